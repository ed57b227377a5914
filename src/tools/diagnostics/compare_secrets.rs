use crate::{
    auth::{Comparison, Fingerprint},
    tools::prelude::*,
};

/// Compare the secret that a front end signs tokens with to this server's, by its fingerprint:
/// `printf %s "$SECRET" | sha256sum`. Never pass the secret itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareJwtSecrets {
    /// SHA-256 of the secret in hexadecimal, or at least its first 16 digits.
    #[schemars(length(min = 16, max = 64))]
    fingerprint: String,
}

/// The comparison.
#[derive(Serialize, JsonSchema)]
pub struct Compared {
    /// `equal_once_trimmed`: white space around one of the two is all that differs.
    #[schemars(extend("enum" = ["equal", "equal_once_trimmed", "different", "no_keys"]))]
    result: &'static str,
    /// The key that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    advice: &'static str,
}

impl Tool for CompareJwtSecrets {
    const NAME: &'static str = "compare_jwt_secrets";
    const TITLE: &'static str = "Compare secrets";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[];
    type Output = Compared;

    async fn run(self, cx: &Cx) -> Result<Compared> {
        // What was given is not repeated: it could be the secret.
        let fingerprint = Fingerprint::parse(&self.fingerprint).ok_or_else(|| {
            ToolError::invalid_arguments(
                "fingerprint must have 16 to 64 hexadecimal digits: the beginning of the SHA-256 of the \
                 secret, not the secret",
            )
        })?;
        let (result, kid, advice) = match cx.compare_secret(&fingerprint) {
            Comparison::Equal(kid) => (
                "equal",
                Some(kid),
                "Tokens signed with it must name this kid, if there are several.",
            ),
            Comparison::EqualOnceTrimmed(kid) => (
                "equal_once_trimmed",
                Some(kid),
                "White space is part of a secret here. Take it out where it is: often a newline at the end, \
                 from echo or an editor, at the front end or in this server's value.",
            ),
            Comparison::Different => (
                "different",
                None,
                "Another secret, or an older one. If the fingerprint was made with echo, the newline was hashed \
                 too: use printf %s.",
            ),
            Comparison::NoKeys => (
                "no_keys",
                None,
                "This server has no secret: the operator sets MCP_ENHANCED_JWT_SECRET.",
            ),
        };
        Ok(Compared { result, kid: kid.as_deref().map(shown), advice })
    }
}

/// A long key id could be a secret that changed places with it.
fn shown(kid: &str) -> String {
    match kid.len() {
        0..32 => kid.to_owned(),
        _ => format!("({} characters)", kid.chars().count()),
    }
}
