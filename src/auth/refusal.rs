//! Why a request is turned away before it reaches a tool.

use std::borrow::Cow;

use http::StatusCode;

/// A 401 or 403, with a stable code and a text for people.
///
/// A text never carries a token, nor anything that would tell two forged tokens apart by their
/// user: whoever failed the signature learns exactly that and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No `Authorization` header, or none with the scheme `Bearer`.
    MissingAuthorization,
    /// Not a token of ours: form, header, signature, issuer, audience, or not valid yet.
    InvalidToken(Cow<'static, str>),
    /// Genuine, but over.
    TokenExpired,
    /// Genuine, but a claim is malformed; nothing is granted in part.
    InvalidClaims {
        /// The claim, by its name in the token.
        field: String,
        /// What is wrong with it, and the form that is right.
        why: String,
    },
    /// The token names a role that this server does not assume.
    RoleNotAllowed(String),
    /// The token is good, but does not allow what was asked.
    InsufficientScope {
        /// What the request needed.
        needed: String,
    },
}

/// Longest text sent to a client, in characters.
const MAX_DETAIL: usize = 400;
/// Longest piece of a claim repeated in a text, in characters.
const MAX_SHOWN: usize = 64;

impl Refusal {
    /// The stable code of the body's `error` member.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::MissingAuthorization => "missing_authorization",
            Refusal::InvalidToken(_) => "invalid_token",
            Refusal::TokenExpired => "token_expired",
            Refusal::InvalidClaims { .. } => "invalid_claims",
            Refusal::RoleNotAllowed(_) => "role_not_allowed",
            Refusal::InsufficientScope { .. } => "insufficient_scope",
        }
    }

    /// 401 when another token may help, 403 when this caller may not.
    pub const fn status(&self) -> StatusCode {
        match self {
            Refusal::RoleNotAllowed(_) | Refusal::InsufficientScope { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// What happened and what to do: printable ASCII without `"` and `\`, so that it may stand in
    /// a quoted `error_description` (RFC 6750 section 3) as it is.
    pub fn detail(&self) -> String {
        let text: Cow<'_, str> = match self {
            Refusal::MissingAuthorization => "Send the header Authorization: Bearer TOKEN.".into(),
            Refusal::InvalidToken(why) => why.as_ref().into(),
            Refusal::TokenExpired => "The token has expired; get a new one.".into(),
            Refusal::InvalidClaims { field, why } => format!("Claim {field}: {why}.").into(),
            Refusal::RoleNotAllowed(role) => {
                format!("This server does not assume the role {}.", shown(role)).into()
            }
            Refusal::InsufficientScope { needed } => {
                format!("The token does not allow {needed}.").into()
            }
        };
        printable(&text, MAX_DETAIL)
    }

    pub(super) const fn token(why: &'static str) -> Self {
        Refusal::InvalidToken(Cow::Borrowed(why))
    }

    pub(super) fn claim(field: &str, why: impl Into<String>) -> Self {
        Refusal::InvalidClaims { field: shown(field), why: why.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail())
    }
}

impl std::error::Error for Refusal {}

/// A piece of a claim as a text may repeat it: short and printable.
pub(super) fn shown(text: &str) -> String {
    printable(text, MAX_SHOWN)
}

fn printable(text: &str, limit: usize) -> String {
    let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().take(limit).map(|c| if plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses() {
        let all = [
            (Refusal::MissingAuthorization, "missing_authorization", 401),
            (Refusal::token("x"), "invalid_token", 401),
            (Refusal::TokenExpired, "token_expired", 401),
            (Refusal::claim("b", "x"), "invalid_claims", 401),
            (Refusal::RoleNotAllowed("r".into()), "role_not_allowed", 403),
            (Refusal::InsufficientScope { needed: "n".into() }, "insufficient_scope", 403),
        ];
        for (refusal, code, status) in all {
            assert_eq!((refusal.code(), refusal.status().as_u16()), (code, status));
            assert!(!refusal.detail().is_empty());
        }
    }

    #[test]
    fn a_detail_fits_into_a_quoted_string_of_a_header() {
        let nasty = "a\"b\\c\r\nSet-Cookie: x\u{430}\0".repeat(100);
        for refusal in [
            Refusal::claim(&nasty, nasty.clone()),
            Refusal::RoleNotAllowed(nasty.clone()),
            Refusal::InvalidToken(nasty.clone().into()),
            Refusal::InsufficientScope { needed: nasty.clone() },
        ] {
            let detail = refusal.detail();
            assert!(detail.len() <= MAX_DETAIL);
            assert!(detail.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\'));
        }
    }
}
