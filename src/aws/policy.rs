//! Session policies: what an assumed role is narrowed to for one bucket.

use serde_json::{Value, json};

use crate::domain::{Access, Action, Permit, action::Resource};

/// STS accepts an inline session policy of at most this many characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
pub const MAX_CHARS: usize = 2048;

/// The policy that narrows a role to the permit: its one bucket, its actions, and the KMS calls
/// that S3 makes on the caller's behalf for encrypted objects.
///
/// `partition` is that of the role (`aws`, `aws-us-gov`, `aws-cn`).
pub fn session_policy(permit: &Permit, partition: &str) -> String {
    let bucket = permit.bucket();
    let of = |resource: Resource| -> Vec<&str> {
        let fits = |a: &&Action| a.resource() == resource;
        permit.actions().iter().filter(fits).map(|a| a.name()).collect()
    };
    let mut statements = Vec::new();
    for (actions, arn) in [
        (of(Resource::Bucket), format!("arn:{partition}:s3:::{bucket}")),
        (of(Resource::Object), format!("arn:{partition}:s3:::{bucket}/*")),
    ] {
        if !actions.is_empty() {
            statements.push(json!({"Effect": "Allow", "Action": actions, "Resource": arn}));
        }
    }
    statements.extend(kms(permit, partition));
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Without these an object encrypted with a customer key answers `AccessDenied`: KMS authorises
/// the caller, not S3. The condition keeps the keys out of reach for any call but S3's own.
fn kms(permit: &Permit, partition: &str) -> Option<Value> {
    let objects = permit.actions().iter().any(|a| a.resource() == Resource::Object);
    let writes = permit.actions().iter().any(|a| a.access() == Access::Write);
    let actions: &[&str] =
        if writes { &["kms:Decrypt", "kms:GenerateDataKey"] } else { &["kms:Decrypt"] };
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    objects.then(|| {
        json!({
            "Effect": "Allow", "Action": actions, "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": format!("s3.*.{domain}")}},
        })
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::domain::{Authority, BucketName, Buckets, Grants};

    fn permit(bucket: &str, declared: &[Action]) -> Permit {
        let bucket = BucketName::parse(bucket).unwrap();
        let buckets = Buckets::Listed(BTreeSet::from([bucket.clone()]));
        let all = Action::ALL.iter().copied().collect();
        let authority = Authority::new(declared, &[], Arc::new(Grants::listed(all, buckets)));
        authority.require(declared[0], &bucket).unwrap()
    }

    #[test]
    fn it_names_the_bucket_the_actions_and_nothing_else() {
        let text = session_policy(&permit("mine", &[Action::ListBucket]), "aws");
        assert_eq!(
            text,
            r#"{"Statement":[{"Action":["s3:ListBucket"],"Effect":"Allow","Resource":"arn:aws:s3:::mine"}],"Version":"2012-10-17"}"#
        );
    }

    #[test]
    fn encrypted_objects_can_be_read_and_written_through_s3_only() {
        let read = session_policy(&permit("mine", &[Action::GetObject]), "aws-cn");
        assert!(read.contains(r#""Action":["kms:Decrypt"]"#), "{read}");
        assert!(read.contains(r#"{"kms:ViaService":"s3.*.amazonaws.com.cn"}"#), "{read}");
        assert!(read.contains("arn:aws-cn:s3:::mine/*"), "{read}");
        let write = session_policy(&permit("mine", &[Action::PutObject]), "aws");
        assert!(write.contains(r#"["kms:Decrypt","kms:GenerateDataKey"]"#), "{write}");
        let list = session_policy(&permit("mine", &[Action::ListBucket]), "aws");
        assert!(!list.contains("kms"), "{list}");
    }

    #[test]
    fn one_bucket_with_every_action_fits() {
        let longest = session_policy(&permit(&"x".repeat(63), Action::ALL), "aws-us-gov");
        assert!(longest.chars().count() < MAX_CHARS, "{}", longest.len());
    }
}
