use crate::{
    auth::{DescribedClaims, Description, Family, TokenFacts},
    tools::prelude::*,
};

/// Show the token that your front end sent, decoded and redacted: sizes, format, header, claims.
///
/// Of claims that this server does not know, name, kind and size are shown; never the token, its signature,
/// or credentials in it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFrontendToken {}

/// The token, as far as it may be seen.
#[derive(Serialize, JsonSchema)]
pub struct Seen {
    token: TokenFacts,
    /// The claims that authorise, unfolded; absent for a catalog token, or where one is malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<DescribedClaims>,
}

impl Tool for GetFrontendToken {
    const NAME: &'static str = "get_frontend_token";
    const TITLE: &'static str = "Front end's token";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[];
    const DESCRIBES_TOKEN: bool = true;
    type Output = Seen;

    async fn run(self, cx: &Cx) -> Result<Seen> {
        let Description { facts, claims, .. } = cx.token()?.clone();
        // Of a catalog token nothing that it says of itself authorises.
        let grants = claims.filter(|_| facts.family == Family::Enhanced);
        Ok(Seen { token: facts, grants })
    }
}
