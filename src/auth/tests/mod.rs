//! The threats to tokens, one test or more each; the numbers are those of `threats.md`.

mod claims;
mod families;
mod session_cache;
mod tokens;
mod vectors;
mod whole;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{KeySet, Policy, Principal, Refusal, Verifier};

const SECRET: &str = "a test secret of more than thirty-two bytes";
const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn secret() -> SecretString {
    SECRET.into()
}

fn verifier(policy: Policy) -> Verifier {
    Verifier::new(KeySet::single("k1", &secret()), policy)
}

/// Claims that pass, with `extra` over them; a member `null` of `extra` stays null.
fn claims(extra: Value) -> Value {
    let mut claims = json!({"iss": "me", "sub": "alice", "exp": NOW + 60});
    for (name, value) in extra.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// Signs any two texts, however broken.
fn sign_raw(header: &str, payload: &str, secret: &str) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{payload}");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;

fn sign(payload: &Value) -> String {
    sign_raw(HEADER, &payload.to_string(), SECRET)
}

fn verify(payload: &Value) -> Result<Principal, Refusal> {
    verifier(Policy::default()).verify(&sign(payload), at(NOW))
}

/// The field of an `invalid_claims`, or the code of another refusal.
fn blamed(result: Result<Principal, Refusal>) -> String {
    match result {
        Ok(principal) => format!("accepted: {principal:?}"),
        Err(Refusal::InvalidClaims { field, .. }) => field,
        Err(other) => other.code().to_owned(),
    }
}
