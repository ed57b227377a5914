//! AWS credentials inside a token: only where the operator wants them (threat T37).

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{Refusal, fields, fields::Payload};

/// Temporary AWS credentials that a token carries. They print as stars.
#[derive(Clone)]
pub struct TokenCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret: SecretString,
    /// The session token: always there, so these are never somebody's long-lived keys.
    pub session_token: SecretString,
    /// The region that the token wants to talk to.
    pub region: Option<String>,
    /// When they end, if the token says so.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for TokenCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCredentials(******)")
    }
}

const CLAIMS: [&str; 2] = ["aws_credentials", "awsCredentials"];
/// Real session tokens have 400 to 2,000 bytes; the whole token has at most 16 KiB.
const MAX_MEMBER_BYTES: usize = 8192;

/// Whether the token carries such a claim at all.
pub(super) fn present(payload: &Payload) -> bool {
    CLAIMS.iter().any(|claim| payload.contains_key(*claim))
}

/// Reads the claim, in snake or camel case.
pub(super) fn read(payload: &Payload) -> Result<Option<TokenCredentials>, Refusal> {
    let Some((claim, value)) = either(payload, CLAIMS, CLAIMS[0])? else { return Ok(None) };
    let object = value.as_object().ok_or_else(|| Refusal::claim(claim, "it must be an object"))?;
    let required = |names| {
        let found = member(object, names, claim)?;
        found.ok_or_else(|| Refusal::claim(claim, format!("it lacks {}", first(names))))
    };
    Ok(Some(TokenCredentials {
        access_key_id: required(["access_key_id", "accessKeyId"])?.to_owned(),
        secret: required(["secret_access_key", "secretAccessKey"])?.into(),
        session_token: required(["session_token", "sessionToken"])?.into(),
        region: region(object, claim)?,
        expires_at: expiration(object, claim)?,
    }))
}

fn first(names: [&str; 2]) -> &str {
    let [first, _] = names;
    first
}

/// The one of two spellings that is present; both would be two answers to one question.
fn either<'a>(
    map: &'a Payload,
    names: [&'static str; 2],
    claim: &str,
) -> Result<Option<(&'static str, &'a Value)>, Refusal> {
    let [snake, camel] = names;
    match (map.get(snake), map.get(camel)) {
        (Some(_), Some(_)) => {
            Err(Refusal::claim(claim, format!("{snake} and {camel} are both given")))
        }
        (Some(value), None) => Ok(Some((snake, value))),
        (None, Some(value)) => Ok(Some((camel, value))),
        (None, None) => Ok(None),
    }
}

/// A member that goes into signatures and headers: visible ASCII, never repeated in an error.
fn member<'a>(
    object: &'a Payload,
    names: [&'static str; 2],
    claim: &str,
) -> Result<Option<&'a str>, Refusal> {
    let Some((name, value)) = either(object, names, claim)? else { return Ok(None) };
    let visible = |text: &&str| {
        !text.is_empty()
            && text.len() <= MAX_MEMBER_BYTES
            && text.bytes().all(|b| b.is_ascii_graphic())
    };
    let why = || Refusal::claim(claim, format!("{name} must be a string of visible ASCII"));
    value.as_str().filter(visible).map(Some).ok_or_else(why)
}

/// The region becomes part of a host name, so it can hold nothing that would end one.
fn region(object: &Payload, claim: &str) -> Result<Option<String>, Refusal> {
    let Some(region) = fields::text(object, "region", 32).map_err(|_| bad_region(claim))? else {
        return Ok(None);
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if region.is_empty() || !region.bytes().all(plain) {
        return Err(bad_region(claim));
    }
    Ok(Some(region.to_owned()))
}

fn bad_region(claim: &str) -> Refusal {
    Refusal::claim(claim, "region must be the name of an AWS region")
}

/// RFC 3339 as STS writes it, or seconds since 1970.
fn expiration(object: &Payload, claim: &str) -> Result<Option<Timestamp>, Refusal> {
    let wrong = || Refusal::claim(claim, "expiration must be an RFC 3339 time or seconds");
    match object.get("expiration") {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| wrong()),
        Some(_) => {
            let seconds = fields::date(object, "expiration").map_err(|_| wrong())?;
            Ok(seconds.and_then(|s| Timestamp::from_second(s).ok()))
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn parse(payload: Value) -> Result<Option<TokenCredentials>, Refusal> {
        read(payload.as_object().unwrap())
    }

    #[test]
    fn t37_both_cases_are_read_and_print_as_stars() {
        for (payload, expires) in [
            (
                json!({"aws_credentials": {"access_key_id": "ASIAX", "secret_access_key": "s3cr3t",
                "session_token": "t0ken", "region": "eu-west-1", "expiration": 1_000}}),
                Some(1_000),
            ),
            (
                json!({"awsCredentials": {"accessKeyId": "ASIAX", "secretAccessKey": "s3cr3t",
                "sessionToken": "t0ken", "region": "eu-west-1",
                "expiration": "1970-01-01T00:16:40Z"}}),
                Some(1_000),
            ),
        ] {
            let found = parse(payload).unwrap().unwrap();
            assert_eq!(found.access_key_id, "ASIAX");
            assert_eq!(found.secret.expose_secret(), "s3cr3t");
            assert_eq!(found.session_token.expose_secret(), "t0ken");
            assert_eq!(found.region.as_deref(), Some("eu-west-1"));
            assert_eq!(found.expires_at.map(Timestamp::as_second), expires);
            assert_eq!(format!("{found:?}"), "TokenCredentials(******)");
        }
        assert!(parse(json!({})).unwrap().is_none());
    }

    #[test]
    fn t37_malformed_credentials_are_refused_without_repeating_them() {
        let good =
            json!({"access_key_id": "A", "secret_access_key": "CANARY", "session_token": "CANARY"});
        let with = |name: &str, value: Value| {
            let mut object = good.clone();
            object[name] = value;
            json!({ "aws_credentials": object })
        };
        for payload in [
            json!({"aws_credentials": null}),
            json!({"aws_credentials": "CANARY"}),
            json!({"aws_credentials": [good]}),
            json!({"aws_credentials": {}}),
            json!({"aws_credentials": good, "awsCredentials": good}),
            json!({"aws_credentials": {"access_key_id": "A", "secret_access_key": "CANARY"}}),
            with("session_token", json!(null)),
            with("session_token", json!("")),
            with("session_token", json!("CANARY\n")),
            with("sessionToken", json!("CANARY")),
            with("region", json!("evil.example/#")),
            with("region", json!("")),
            with("region", json!(1)),
            with("expiration", json!("soon")),
            with("expiration", json!(-1)),
            with("expiration", json!(null)),
        ] {
            let refusal = parse(payload.clone()).unwrap_err();
            assert_eq!(refusal.code(), "invalid_claims", "{payload}");
            assert!(refusal.detail().contains("redentials"), "{refusal}");
            assert!(!refusal.detail().contains("CANARY"), "{refusal}");
        }
    }
}
