//! `AssumeRole`: what it demands of its parameters, and what it issues.

use std::time::Duration;

use super::parameters::Parameters;
use super::{Refusal, Sts, success};
use crate::demo::clock;
use crate::demo::policy::Policy;

/// What a session policy may be long, in characters.
const LONGEST_POLICY: usize = 2048;

/// Seconds that a session lives when nothing is asked.
const DEFAULT_SECONDS: u64 = 3600;

/// The most tags that STS takes.
const MOST_TAGS: usize = 50;

/// The parameters, valid.
struct Valid<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    seconds: u64,
    policy: Option<Policy>,
    /// How much of the room for policy and tags is used, in percent.
    packed_size: usize,
}

impl Sts {
    /// Issues a session of the role, narrowed by the session policy.
    ///
    /// The trust policy of every role is taken to trust the task role with `sts:AssumeRole`,
    /// `sts:TagSession` and `sts:SetSourceIdentity`, provided that the external id is right.
    pub(super) fn assume_role(
        &self,
        caller: &str,
        parameters: &Parameters,
    ) -> Result<String, Refusal> {
        let valid = Valid::read(parameters)?;
        let denied = || Refusal::denied(caller, valid.role_arn);
        let role = self.iam.role(valid.role_arn).ok_or_else(denied)?;
        let external_id = parameters.get("ExternalId");
        if role.external_id.is_some() && role.external_id.as_deref() != external_id {
            return Err(denied());
        }
        let lifetime = Duration::from_secs(valid.seconds);
        let issued = self
            .iam
            .issue_session(&role.arn, valid.session_name, valid.policy, lifetime)
            .map_err(|error| Refusal::new(500, "InternalFailure", error.to_string()))?;
        let expiration = clock::iso8601(issued.expires_at);
        let id = format!("{}:{}", crate::demo::digest::fingerprint(&role.arn), valid.session_name);
        let packed_size = valid.packed_size.to_string();
        let mut fields = vec![
            ("Credentials/AccessKeyId", issued.access_key_id.as_str()),
            ("Credentials/SecretAccessKey", &issued.secret_access_key),
            ("Credentials/SessionToken", &issued.session_token),
            ("Credentials/Expiration", &expiration),
            ("AssumedRoleUser/AssumedRoleId", &id),
            ("AssumedRoleUser/Arn", &issued.principal),
            ("PackedPolicySize", &packed_size),
        ];
        if let Some(identity) = parameters.get("SourceIdentity") {
            fields.push(("SourceIdentity", identity));
        }
        Ok(success("AssumeRole", &fields))
    }
}

impl<'a> Valid<'a> {
    fn read(parameters: &'a Parameters) -> Result<Self, Refusal> {
        let role_arn = required(parameters, "RoleArn")?;
        let session_name = required(parameters, "RoleSessionName")?;
        named("roleSessionName", session_name)?;
        if let Some(identity) = parameters.get("SourceIdentity") {
            named("sourceIdentity", identity)?;
        }
        let seconds = parameters.get("DurationSeconds").map(str::parse).transpose();
        let seconds = seconds.unwrap_or(Some(0)).unwrap_or(DEFAULT_SECONDS);
        if !(900..=3600).contains(&seconds) {
            let message = format!(
                "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to \
                 satisfy constraint: Member must be between 900 and 3600"
            );
            return Err(validation(message));
        }
        let tags: usize = parameters.tags().map(|(key, value)| key.len() + value.len()).sum();
        if parameters.tags().count() > MOST_TAGS {
            return Err(validation("too many tags".to_owned()));
        }
        let text = parameters.get("Policy");
        let length = text.map_or(0, |text| text.chars().count());
        if length > LONGEST_POLICY {
            let message = format!("The policy has {length} characters; {LONGEST_POLICY} fit");
            return Err(Refusal::new(400, "PackedPolicyTooLarge", message));
        }
        let policy = text
            .map(Policy::parse)
            .transpose()
            .map_err(|error| Refusal::new(400, "MalformedPolicyDocument", error.to_string()))?;
        let packed_size = (length + tags).saturating_mul(100) / LONGEST_POLICY;
        Ok(Self { role_arn, session_name, seconds, policy, packed_size })
    }
}

fn required<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, Refusal> {
    let missing = || {
        validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    };
    parameters.get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
}

/// `[\w+=,.@-]{2,64}`, which session names and source identities must match.
fn named(what: &str, value: &str) -> Result<(), Refusal> {
    let fits = (2..=64).contains(&value.len())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if fits {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\w+=,.@-]{{2,64}}"
    )))
}

fn validation(message: String) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(more: &str) -> Option<&'static str> {
        let base = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FR&RoleSessionName=alice";
        let parameters = Parameters::read(format!("{base}&{more}").as_bytes());
        Valid::read(&parameters).err().map(|refusal| refusal.code)
    }

    #[test]
    fn parameters_are_checked() {
        assert_eq!(refusal(""), None);
        assert_eq!(refusal("DurationSeconds=900"), None);
        for bad in ["899", "3601", "x", "-1", ""] {
            assert_eq!(
                refusal(&format!("DurationSeconds={bad}")),
                Some("ValidationError"),
                "{bad}"
            );
        }
        for bad in ["a", "a%20b", "a%2Fb", "%C3%A9%C3%A9", &"x".repeat(65)] {
            assert_eq!(
                refusal(&format!("RoleSessionName={bad}")),
                Some("ValidationError"),
                "{bad}"
            );
            assert_eq!(refusal(&format!("SourceIdentity={bad}")), Some("ValidationError"), "{bad}");
        }
        assert_eq!(refusal("RoleSessionName=a.b-c%40d%2Be%3D%2C_1"), None);
        assert_eq!(refusal("Policy=%7B"), Some("MalformedPolicyDocument"));
        let long = format!("Policy={}", "x".repeat(2049));
        assert_eq!(refusal(&long), Some("PackedPolicyTooLarge"));
    }
}
