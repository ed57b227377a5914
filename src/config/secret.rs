//! What may be a signing secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::problem::{Problem, Warning};

/// An HS256 key shorter than its hash is weaker than the hash (RFC 7518, section 3.2).
const MIN_BYTES: usize = 32;

/// Published with the earlier system; whoever reads that repository could mint tokens with it.
const DEVELOPMENT_SECRET: &str = "development-enhanced-jwt-secret";

/// What to do about every refused secret.
const FIX: &str = "use a random secret of 32 bytes or more, e.g. from `openssl rand -base64 48`, and \
                   the same wherever it is used";

/// Refuses what must not be an HMAC key. `variable` only names the source in the problem, so a
/// secret that came from SSM is checked in the same way. The secret is never part of the message.
///
/// Text that is a public key (PEM, JWK, DER) is refused because everybody may know it: with it as
/// the HMAC key, everybody could sign (threat T2).
///
/// # Errors
/// A [`Problem`] that says why, for the development secret, key files, and short or blank texts.
pub fn check_secret(variable: &str, secret: &str) -> Result<(), Problem> {
    let trimmed = secret.trim_matches(blank);
    let reason = if trimmed == DEVELOPMENT_SECRET {
        "is the development secret, which is public".to_owned()
    } else if trimmed.is_empty() {
        "is blank".to_owned()
    } else if let Some(kind) = key_file(trimmed) {
        format!("is {kind}, not a shared secret")
    } else if secret.len() < MIN_BYTES {
        format!("has {} bytes, which is fewer than {MIN_BYTES}", secret.len())
    } else {
        return Ok(());
    };
    Err(Problem { variable: variable.to_owned().into(), message: format!("{reason}; {FIX}") })
}

/// White space around a secret is part of the key, and nearly always a mistake of copying.
pub fn secret_warning(variable: &str, secret: &str) -> Option<Warning> {
    (secret != secret.trim_matches(blank)).then(|| Warning {
        variable: variable.to_owned().into(),
        message:
            "has white space around it, which is kept as part of the secret; remove it unless \
                  the catalog signs with the same white space"
                .to_owned(),
    })
}

/// White space, and the byte order mark that some editors put first.
fn blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The kind of key file that a text is, bare or in base64.
fn key_file(text: &str) -> Option<&'static str> {
    if is_pem(text.as_bytes()) {
        return Some("a PEM key or certificate");
    }
    if is_jwk(text.as_bytes()) {
        return Some("a JSON Web Key");
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        return Some("an SSH public key");
    }
    let decoded = decode(text)?;
    if is_pem(&decoded) {
        return Some("a PEM key or certificate in base64");
    }
    if is_jwk(&decoded) {
        return Some("a JSON Web Key in base64");
    }
    is_der(&decoded).then_some("a DER key or certificate in base64")
}

fn is_pem(text: &[u8]) -> bool {
    let marker = b"-----BEGIN";
    text.windows(marker.len()).any(|window| window == marker)
}

fn is_jwk(text: &[u8]) -> bool {
    match serde_json::from_slice(text) {
        Ok(serde_json::Value::Object(map)) => map.contains_key("kty") || map.contains_key("keys"),
        _ => false,
    }
}

/// One ASN.1 SEQUENCE that ends where the data ends, as every DER key does. Demanding the exact
/// length keeps random secrets in base64 out of it.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        [0x30, 0x81, length, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, length @ 0..=0x7f, rest @ ..] => rest.len() == usize::from(*length),
        _ => false,
    }
}

/// Base64 of either alphabet, with or without padding and line breaks.
fn decode(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD.decode(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real P-256 public key in SubjectPublicKeyInfo form.
    const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==";

    #[test]
    fn refused_secrets_say_why_and_are_not_echoed() {
        let pem = format!("-----BEGIN PUBLIC KEY-----\\n{P256}\\n-----END PUBLIC KEY-----");
        let jwk = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256"}"#;
        let standard = base64::engine::general_purpose::STANDARD;
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        for (secret, reason) in [
            ("development-enhanced-jwt-secret".to_owned(), "development secret"),
            ("development-enhanced-jwt-secret\n".to_owned(), "development secret"),
            ("\u{feff}development-enhanced-jwt-secret".to_owned(), "development secret"),
            ("x".repeat(31), "has 31 bytes"),
            ("xy".to_owned(), "has 2 bytes"),
            (" ".repeat(40), "blank"),
            (pem.clone(), "a PEM key"),
            (format!("\n{pem}"), "a PEM key"),
            (jwk.to_owned(), "a JSON Web Key"),
            (format!(r#"{{"keys":[{jwk}]}}"#), "a JSON Web Key"),
            (standard.encode(&pem), "PEM key or certificate in base64"),
            (url_safe.encode(jwk), "JSON Web Key in base64"),
            (P256.to_owned(), "DER key"),
            (P256.trim_end_matches('=').replace('/', "_").replace('+', "-"), "DER key"),
            (format!("ssh-ed25519 {}", "A".repeat(68)), "SSH public key"),
        ] {
            let problem = check_secret("THE_VARIABLE", &secret).unwrap_err();
            assert_eq!(problem.variable, "THE_VARIABLE");
            assert!(problem.message.contains(reason), "{problem} lacks {reason}");
            assert!(problem.message.contains("openssl rand"), "{problem}");
            if secret.trim() != "xy" && !secret.trim().is_empty() {
                assert!(!problem.message.contains(secret.trim()), "{problem}");
            }
            assert_eq!(problem.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn der_lengths_are_exact() {
        for (length, head) in [(5_usize, vec![0x30, 5]), (200, vec![0x30, 0x81, 200])] {
            let with = |n: usize| [head.clone(), vec![7; n]].concat();
            assert!(is_der(&with(length)));
            assert!(!is_der(&with(length + 1)));
            assert!(!is_der(&with(length - 1)));
        }
        assert!(is_der(&[vec![0x30, 0x82, 1, 0], vec![7; 256]].concat()));
        assert!(!is_der(&[]));
    }

    #[test]
    fn good_secrets_pass_unchanged() {
        for secret in [
            "x".repeat(32),
            "test-secret-for-loopback-experiments-0123456789".to_owned(),
            "MIIBs2dGVzdC1zZWNyZXQtZm9yLWxvb3BiYWNrLWV4cGVyaW1lbnRz".to_owned(),
            "ünïcödé-".repeat(4),
        ] {
            assert_eq!(check_secret("V", &secret), Ok(()), "{secret}");
            assert_eq!(secret_warning("V", &secret), None);
        }
    }

    #[test]
    fn white_space_around_is_a_warning_without_the_secret() {
        for secret in ["canary ", " canary", "canary\n", "\tcanary", "\u{feff}canary"] {
            let warning = secret_warning("V", secret).unwrap();
            assert!(warning.message.contains("white space"));
            assert!(!warning.message.contains("canary"));
        }
    }
}
