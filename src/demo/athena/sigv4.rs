//! Who signed a request: AWS signature version 4 in the headers, checked in full.
//!
//! Written apart from the SDK's signer, so that the one judges the other.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{constant_time, digest, hmac};
use axum::http::request::Parts;

use super::wire::Refusal;
use crate::demo::iam::{AuthFailure, Iam};
use crate::demo::{REGION, clock};

/// How far a request's time may be from ours.
const SKEW: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const INVALID: &str = "InvalidSignatureException";

/// The verified caller.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub access_key_id: String,
    pub principal: String,
}

/// What the `Authorization` header says.
struct Claimed<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Checks signature, scope, time, session token and expiry, in this order.
///
/// # Errors
/// In AWS's words, by what was wrong.
pub(super) fn verify(iam: &Iam, parts: &Parts, body: &[u8]) -> Result<Caller, Refusal> {
    let authorization = header(parts, "authorization").ok_or_else(|| {
        Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token")
    })?;
    let claimed = Claimed::read(&authorization)?;
    let secret = iam.secret_of(claimed.access_key_id).ok_or(AuthFailure::UnknownKey)?;
    let time = header(parts, "x-amz-date").unwrap_or_default();
    claimed.in_scope(&time)?;
    claimed.covers(parts)?;
    let canonical = canonical(parts, &claimed.signed, body);
    let scope = format!("{}/{}/athena/aws4_request", claimed.date, claimed.region);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let expected = sign(&secret, &claimed, &to_sign);
    if constant_time::verify_slices_are_equal(expected.as_bytes(), claimed.signature.as_bytes())
        .is_err()
    {
        let message = "The request signature we calculated does not match the signature you \
                       provided. Check your AWS Secret Access Key and signing method.";
        return Err(Refusal::new(INVALID, message));
    }
    fresh(&time)?;
    let token = header(parts, "x-amz-security-token");
    let principal = iam.authenticate(claimed.access_key_id, token.as_deref())?;
    Ok(Caller { access_key_id: claimed.access_key_id.to_owned(), principal })
}

impl<'a> Claimed<'a> {
    fn read(authorization: &'a str) -> Result<Self, Refusal> {
        let broken = || Refusal::new("IncompleteSignatureException", "Authorization header");
        let rest = authorization.strip_prefix(ALGORITHM).ok_or_else(broken)?;
        let part = |name: &str| {
            let mut parts = rest.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)).ok_or_else(broken)
        };
        let mut scope = part("Credential=")?.split('/');
        let mut next = || scope.next().filter(|text| !text.is_empty()).ok_or_else(broken);
        let (access_key_id, date, region) = (next()?, next()?, next()?);
        let (service, end) = (next()?, next()?);
        if service != "athena" || end != "aws4_request" || region != REGION {
            let message = format!(
                "Credential should be scoped to a valid region and correct service: 'athena' in \
                 '{REGION}'"
            );
            return Err(Refusal::new(INVALID, message));
        }
        let signed = part("SignedHeaders=")?.split(';').collect();
        Ok(Self { access_key_id, date, region, signed, signature: part("Signature=")? })
    }

    fn in_scope(&self, time: &str) -> Result<(), Refusal> {
        match time.strip_prefix(self.date) {
            Some(rest) if rest.starts_with('T') => Ok(()),
            _ => Err(Refusal::new(INVALID, "Date in Credential scope does not match the request")),
        }
    }

    /// The host, and everything that is AWS's, has to be signed.
    fn covers(&self, parts: &Parts) -> Result<(), Refusal> {
        let amz = parts.headers.keys().map(|name| name.as_str());
        let amz = amz.filter(|name| name.starts_with("x-amz-"));
        match std::iter::once("host").chain(amz).find(|name| !self.signed.contains(name)) {
            Some(name) => Err(Refusal::new(INVALID, format!("'{name}' has to be signed"))),
            None => Ok(()),
        }
    }
}

fn fresh(time: &str) -> Result<(), Refusal> {
    let (now, then) = (clock::now(), parse(time));
    let near = then.is_some_and(|then| then + SKEW > now && now + SKEW > then);
    match near {
        true => Ok(()),
        false => Err(Refusal::new(INVALID, format!("Signature expired: {time}"))),
    }
}

/// `20260131T120000Z`
fn parse(time: &str) -> Option<SystemTime> {
    let part = |from: usize, to: usize| time.get(from..to);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?
    );
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}

fn canonical(parts: &Parts, signed: &[&str], body: &[u8]) -> String {
    let headers: String = signed
        .iter()
        .map(|name| format!("{name}:{}\n", header(parts, name).unwrap_or_default()))
        .collect();
    let query = parts.uri.query().unwrap_or_default();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    format!("{method}\n{path}\n{query}\n{headers}\n{}\n{}", signed.join(";"), sha256(body))
}

fn sign(secret: &str, claimed: &Claimed<'_>, text: &str) -> String {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [claimed.date, claimed.region, "athena", "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    hex(&mac(&key, text.as_bytes()))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A header's values as a signature covers them: spaces at the ends gone, those within single.
fn header(parts: &Parts, name: &str) -> Option<String> {
    let values: Vec<String> = parts
        .headers
        .get_all(name)
        .iter()
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
