//! Permission strings: what a token says, what of it is well-formed, what of it counts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Refusal, fields};
use crate::domain::Action;

/// The permissions of a token, unfolded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Permissions {
    /// Every `service:Action`, whether this server knows it or not.
    pub(super) named: BTreeSet<String>,
    /// What is not of that form (`*`, `s3:*`, `admin`): it never grants anything (threat T16).
    pub(super) ignored: Vec<String>,
}

const MAX_PERMISSIONS: usize = 1024;

/// The abbreviations of both earlier decoders; the first eight are those that the front end writes.
/// Some of the names are no IAM actions; they are kept because tokens may carry them.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("g", "s3:GetObject"),
    ("p", "s3:PutObject"),
    ("d", "s3:DeleteObject"),
    ("l", "s3:ListBucket"),
    ("la", "s3:ListAllMyBuckets"),
    ("gv", "s3:GetObjectVersion"),
    ("pa", "s3:PutObjectAcl"),
    ("amu", "s3:AbortMultipartUpload"),
    ("gm", "s3:GetObjectMetadata"),
    ("pm", "s3:PutObjectMetadata"),
    ("dm", "s3:DeleteObjectMetadata"),
    ("gl", "s3:GetObjectLockConfiguration"),
    ("pl", "s3:PutObjectLockConfiguration"),
    ("dl", "s3:DeleteObjectLockConfiguration"),
    ("gt", "s3:GetObjectTagging"),
    ("pt", "s3:PutObjectTagging"),
    ("dt", "s3:DeleteObjectTagging"),
    ("gr", "s3:GetObjectRetention"),
    ("pr", "s3:PutObjectRetention"),
    ("dr", "s3:DeleteObjectRetention"),
    ("gc", "s3:GetObjectLegalHold"),
    ("pc", "s3:PutObjectLegalHold"),
    ("dc", "s3:DeleteObjectLegalHold"),
    ("gb", "s3:GetBucketLocation"),
    ("pb", "s3:PutBucketLocation"),
    ("db", "s3:DeleteBucketLocation"),
    ("gbl", "s3:GetBucketLifecycle"),
    ("pbl", "s3:PutBucketLifecycle"),
    ("dbl", "s3:DeleteBucketLifecycle"),
    ("gbt", "s3:GetBucketTagging"),
    ("pbt", "s3:PutBucketTagging"),
    ("dbt", "s3:DeleteBucketTagging"),
    ("gba", "s3:GetBucketAcl"),
    ("pba", "s3:PutBucketAcl"),
    ("dba", "s3:DeleteBucketAcl"),
    ("gbp", "s3:GetBucketPolicy"),
    ("pbp", "s3:PutBucketPolicy"),
    ("dbp", "s3:DeleteBucketPolicy"),
];

/// How many abbreviations the front end itself writes.
const WRITTEN: usize = 8;

impl Permissions {
    /// Reads the claim `field`.
    pub(super) fn read(field: &str, value: &Value) -> Result<Self, Refusal> {
        let mut out = Self::default();
        for text in fields::strings(field, value, MAX_PERMISSIONS)? {
            let name = expand(text);
            if is_well_formed(name) {
                out.named.insert(name.to_owned());
            } else if !out.ignored.iter().any(|seen| seen == name) {
                out.ignored.push(name.to_owned());
            }
        }
        Ok(out)
    }

    /// The ones that this server acts on.
    pub(super) fn actions(&self) -> BTreeSet<Action> {
        self.named.iter().filter_map(|name| Action::parse(name)).collect()
    }
}

fn expand(text: &str) -> &str {
    ABBREVIATIONS.iter().find(|(short, _)| *short == text).map_or(text, |(_, name)| name)
}

/// The front end's abbreviation of a permission, or the permission itself.
pub(super) fn abbreviate(name: &str) -> &str {
    let written = ABBREVIATIONS.iter().take(WRITTEN);
    written.into_iter().find(|(_, long)| *long == name).map_or(name, |(short, _)| short)
}

/// `^[a-z0-9-]+:[A-Za-z0-9]+$`
fn is_well_formed(name: &str) -> bool {
    let Some((service, action)) = name.split_once(':') else { return false };
    let service_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !service.is_empty()
        && !action.is_empty()
        && service.bytes().all(service_byte)
        && action.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_has_38_entries_each_once_and_all_well_formed() {
        let short: BTreeSet<_> = ABBREVIATIONS.iter().map(|(s, _)| s).collect();
        let long: BTreeSet<_> = ABBREVIATIONS.iter().map(|(_, l)| l).collect();
        assert_eq!((ABBREVIATIONS.len(), short.len(), long.len()), (38, 38, 38));
        assert!(ABBREVIATIONS.iter().all(|(s, l)| is_well_formed(l) && !is_well_formed(s)));
        assert_eq!(
            (abbreviate("s3:AbortMultipartUpload"), abbreviate("s3:GetBucketAcl")),
            ("amu", "s3:GetBucketAcl")
        );
    }

    #[test]
    fn t16_only_the_closed_list_becomes_authority() {
        let odd = [
            "*",
            "s3:*",
            "admin",
            "S3:GetObject",
            "s3:",
            ":x",
            "s3:Get Object",
            "s3:a:b",
            "",
            "gx",
            "s3:Gеt",
        ];
        let mut all = odd.to_vec();
        all.extend(["g", "s3:GetObject", "gb", "athena:GetQueryResults", "s3:getobject", "*"]);
        let read = Permissions::read("p", &json!(all)).unwrap();
        assert_eq!(read.ignored, odd);
        let named =
            ["athena:GetQueryResults", "s3:GetBucketLocation", "s3:GetObject", "s3:getobject"];
        assert_eq!(read.named, named.map(str::to_owned).into());
        assert_eq!(read.actions(), [Action::GetObject, Action::GetQueryResults].into());
    }

    #[test]
    fn t11_anything_but_an_array_of_strings_is_refused() {
        for value in [
            json!(null),
            json!("gl"),
            json!({}),
            json!(1),
            json!([1]),
            json!([["g"]]),
            json!([null]),
        ] {
            let refusal = Permissions::read("p", &value).unwrap_err();
            assert!(
                matches!(refusal, Refusal::InvalidClaims { field, .. } if field == "p"),
                "{value}"
            );
        }
        assert!(Permissions::read("p", &json!(vec!["g"; 1024])).is_ok());
        assert!(Permissions::read("p", &json!(vec!["g"; 1025])).is_err());
        assert_eq!(Permissions::read("p", &json!([])), Ok(Permissions::default()));
    }
}
