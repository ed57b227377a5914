//! `packageConstruct`: the registry makes a revision of objects that are in S3, and points to it.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Registry, refusal::Refusal, registry::CallError};
use crate::{
    domain::{
        Access, BucketName,
        package::{PackageName, TopHash},
    },
    error::{Code, ToolError},
};

const DOCUMENT: &str = include_str!("operations/package_construct.graphql");

/// What the registry is told of a revision beside its entries (`PackagePushParams`).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PushParams<'a> {
    /// Why.
    pub message: Option<&'a str>,
    /// The package's metadata: a JSON object.
    pub user_meta: Option<&'a RawValue>,
    /// Absent for the registry's default, empty for none.
    pub workflow: Option<&'a str>,
    /// The registry's bucket.
    pub bucket: &'a BucketName,
    /// The package.
    pub name: &'a PackageName,
}

#[derive(Serialize)]
struct Variables<'a> {
    params: PushParams<'a>,
    src: Source<'a>,
}

#[derive(Serialize)]
struct Source<'a> {
    entries: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    package_construct: Answer,
}

#[derive(Deserialize)]
#[serde(tag = "__typename")]
enum Answer {
    PackagePushSuccess {
        revision: Revision,
    },
    #[serde(untagged)]
    Refused(Refusal),
}

#[derive(Deserialize)]
struct Revision {
    hash: String,
}

/// The registry hashes what has no hash yet, and runs a function that may take minutes.
const TIMEOUT: Duration = Duration::from_secs(300);

impl Registry {
    /// Has the registry make a revision. `entries` is the JSON of `[PackageConstructEntry!]!`. Whatever
    /// `latest` is then, it becomes this revision: the registry does not ask.
    ///
    /// # Errors
    /// What the registry refused, with its own words; `timeout` where nobody knows whether it was made.
    pub async fn package_construct(
        &self,
        token: &SecretString,
        params: PushParams<'_>,
        entries: &RawValue,
    ) -> Result<TopHash, ToolError> {
        const WHAT: &str = "The registry made no revision";
        let variables = Variables { params, src: Source { entries } };
        let answer = self.mutate(token, DOCUMENT, &variables, TIMEOUT).await;
        let answer = answer.and_then(|data| {
            let read = serde_json::from_str::<Data>(data.get());
            read.map_err(|_| CallError::Malformed("the GraphQL answer has another shape"))
        });
        match answer.map(|data| data.package_construct) {
            Ok(Answer::PackagePushSuccess { revision }) => {
                TopHash::parse(&revision.hash).map_err(|_| unknown("It made one without a hash."))
            }
            Ok(Answer::Refused(refusal)) => Err(refusal.error(WHAT)),
            Err(CallError::Unanswered | CallError::Status(500..)) => {
                Err(unknown("It gave no answer, and may have made it."))
            }
            // Also GraphQL errors: a function behind it that took too long is told so.
            Err(CallError::Malformed(_) | CallError::Refused(_)) => {
                Err(unknown("Its answer was not understood; it may have made it."))
            }
            Err(error) => Err(error.error(WHAT, Access::Write)),
        }
    }
}

/// Nobody knows what became of it.
fn unknown(why: &'static str) -> ToolError {
    let what = "The registry was asked to make a revision";
    ToolError::new(Code::Timeout, what, why, "See package_versions before you call again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Answer {
        serde_json::from_str::<Data>(&format!("{{\"packageConstruct\": {text}}}"))
            .unwrap()
            .package_construct
    }

    #[test]
    fn every_arm_is_read() {
        let made = read(r#"{"__typename": "PackagePushSuccess", "revision": {"hash": "x"}}"#);
        assert!(matches!(made, Answer::PackagePushSuccess { revision } if revision.hash == "x"));
        let input = r#"{"__typename": "InvalidInput", "errors": [
            {"path": "params.name", "message": "is no name"}, {"path": null, "message": "odd"}]}"#;
        let Answer::Refused(refusal) = read(input) else { panic!("a refusal") };
        let error = refusal.error("No");
        assert_eq!(
            (error.code, &*error.why),
            (Code::InvalidArguments, "params.name: is no name; odd")
        );
        let failed = r#"{"__typename": "OperationError", "name": "Workflow", "message": "no"}"#;
        let Answer::Refused(refusal) = read(failed) else { panic!("a refusal") };
        let error = refusal.error("No");
        assert_eq!((error.code, &*error.why), (Code::CatalogRefused, "Workflow: no"));
        assert!(serde_json::from_str::<Answer>(r#"{"__typename": "Other"}"#).is_err());
    }
}
