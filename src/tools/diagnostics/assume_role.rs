use crate::tools::prelude::*;

/// Check that one of your token's roles can be assumed, and show who you are to AWS with it, and until when.
///
/// Nothing is switched: a client chooses its role on each request, with the header X-Quilt-User-Role.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssumeQuiltUserRole {
    /// Name or ARN of the role, as in your token (get_current_quilt_role lists them).
    #[serde(alias = "role_arn")]
    #[schemars(length(min = 1, max = 2048))]
    role: String,
}

/// The role, assumed.
#[derive(Serialize, JsonSchema)]
pub struct Assumed {
    role_arn: String,
    /// What AWS answered to `sts:GetCallerIdentity`.
    identity_arn: String,
    account: String,
    /// When such credentials end; RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// The header that chooses this role for a request.
    header: &'static str,
    header_value: String,
    note: &'static str,
}

impl Tool for AssumeQuiltUserRole {
    const NAME: &'static str = "assume_quilt_user_role";
    const TITLE: &'static str = "Try a role";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[];
    type Output = Assumed;

    async fn run(self, cx: &Cx) -> Result<Assumed> {
        let wanted = self.role.trim();
        let role = cx.role_of_name(wanted)?;
        let identity = cx.aws_identity(Some(role.clone())).await?;
        Ok(Assumed {
            role_arn: role.to_string(),
            identity_arn: identity.arn,
            account: identity.account,
            expires_at: identity.ends.map(|at| at.to_string()),
            header: "X-Quilt-User-Role",
            header_value: wanted.to_owned(),
            note: "Nothing was switched here: send the header with each request that is to work in this role. \
                   Each call gets credentials of its own, for its buckets and actions.",
        })
    }
}
