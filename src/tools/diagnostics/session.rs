use crate::{auth::SessionId, tools::prelude::*};

/// Show your MCP session: age and end. Of other ids it says no more than that they are not yours.
///
/// A session authenticates nobody and keeps nothing; each request is judged by its token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionDiagnostics {
    /// An `Mcp-Session-Id`; the one of this request where it is left out.
    #[serde(default)]
    #[schemars(length(max = 256))]
    session_id: Option<String>,
}

/// The session, if it is the caller's.
#[derive(Default, Serialize, JsonSchema)]
pub struct Session {
    found: bool,
    /// As the server's log shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<i64>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_seconds: Option<i64>,
    /// Whether you ended it, on the replica that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<bool>,
    note: &'static str,
}

impl Tool for SessionDiagnostics {
    const NAME: &'static str = "session_diagnostics";
    const TITLE: &'static str = "My session";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[];
    type Output = Session;

    async fn run(self, cx: &Cx) -> Result<Session> {
        let given = self.session_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        Ok(match (given, cx.own_session()) {
            // Whoever else's it is, or nobody's: one answer, byte for byte.
            (Some(id), _) => match cx.session_of(id) {
                Some((session, ended)) => told(cx, &session, ended),
                None => nothing(
                    "No session of yours has this id. A client sends initialize to get one.",
                ),
            },
            (None, Some(session)) => told(cx, session, false),
            (None, None) => {
                nothing("This request has no session, and needs none: the token says who you are.")
            }
        })
    }
}

fn nothing(note: &'static str) -> Session {
    Session { note, ..Session::default() }
}

fn told(cx: &Cx, session: &SessionId, ended: bool) -> Session {
    let now = cx.now().as_second();
    let (given, ends) = (session.given_at(), session.expires_at());
    Session {
        found: true,
        fingerprint: Some(session.fingerprint()),
        given_at: Some(given.to_string()),
        age_seconds: Some(now - given.as_second()),
        expires_at: Some(ends.to_string()),
        expires_in_seconds: Some(ends.as_second() - now),
        ended: Some(ended),
        note: "When it was last used is kept nowhere. A new token of yours goes on with it.",
    }
}
