//! Session policies: what an assumed role is narrowed to for one bucket.

use serde_json::{Value, json};

use crate::domain::{Access, Action, BucketName, Permit, action::Resource};

/// STS accepts an inline session policy of at most this many characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
pub const MAX_CHARS: usize = 2048;

/// The policy that narrows a role to the permit: its one bucket, its actions, and the KMS calls
/// that S3 makes on the caller's behalf for encrypted objects. Of a copy, the source's bucket and what is
/// read there come before, in statements of their own.
///
/// `partition` is that of the role (`aws`, `aws-us-gov`, `aws-cn`).
pub fn session_policy(permit: &Permit, partition: &str) -> String {
    let source = permit.source().map(|source| (source.bucket(), source.actions()));
    let sides = source.into_iter().chain([(permit.bucket(), permit.actions())]);
    let mut statements: Vec<Value> =
        sides.flat_map(|(bucket, actions)| allow(bucket, actions, partition)).collect();
    let is_object = |a: &&Action| a.resource() == Resource::Object;
    if permit.actions().iter().any(|a| is_object(&a)) {
        let writes = permit.actions().iter().any(|a| a.access() == Access::Write);
        statements.push(kms(writes, partition));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// What is allowed in one bucket: a statement for the bucket itself, and one for its objects.
fn allow(bucket: &BucketName, actions: &[Action], partition: &str) -> Vec<Value> {
    let of = |resource: Resource| -> Vec<&str> {
        let fits = |a: &&Action| a.resource() == resource;
        actions.iter().filter(fits).map(|a| a.name()).collect()
    };
    let both = [
        (of(Resource::Bucket), format!("arn:{partition}:s3:::{bucket}")),
        (of(Resource::Object), format!("arn:{partition}:s3:::{bucket}/*")),
    ];
    let named = both.into_iter().filter(|(actions, _)| !actions.is_empty());
    named
        .map(|(actions, arn)| json!({"Effect": "Allow", "Action": actions, "Resource": arn}))
        .collect()
}

/// Without these an object encrypted with a customer key answers `AccessDenied`: KMS authorises
/// the caller, not S3. The condition keeps the keys out of reach for any call but S3's own.
pub(super) fn kms(writes: bool, partition: &str) -> Value {
    let actions: &[&str] =
        if writes { &["kms:Decrypt", "kms:GenerateDataKey"] } else { &["kms:Decrypt"] };
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    json!({
        "Effect": "Allow", "Action": actions, "Resource": "*",
        "Condition": {"StringLike": {"kms:ViaService": format!("s3.*.{domain}")}},
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::domain::{Authority, Buckets, CopyPermit, Grants};

    fn permit(bucket: &str, declared: &[Action]) -> Permit {
        let bucket = BucketName::parse(bucket).unwrap();
        let buckets = Buckets::Listed(BTreeSet::from([bucket.clone()]));
        let all = Action::ALL.iter().copied().collect();
        let authority = Authority::new(declared, &[], Arc::new(Grants::listed(all, buckets)));
        authority.require(declared[0], &bucket).unwrap()
    }

    fn copy(from: &str, into: &str, declared: &[Action]) -> CopyPermit {
        let (from, into) = (BucketName::parse(from).unwrap(), BucketName::parse(into).unwrap());
        let buckets = Buckets::Listed(BTreeSet::from([from.clone(), into.clone()]));
        let all = Action::ALL.iter().copied().collect();
        let authority = Authority::new(declared, &[], Arc::new(Grants::listed(all, buckets)));
        authority.require_copy(Action::GetObjectVersion, &from, &into).unwrap()
    }

    #[test]
    fn a_copy_reads_there_and_writes_here() {
        let declared = [Action::GetObjectVersion, Action::PutObject, Action::DeleteObject];
        let text = session_policy(copy("from", "into", &declared).permit(), "aws");
        assert_eq!(
            text,
            concat!(
                r#"{"Statement":[{"Action":["s3:GetObjectVersion"],"Effect":"Allow","#,
                r#""Resource":"arn:aws:s3:::from/*"},{"Action":["s3:PutObject"],"Effect":"Allow","#,
                r#""Resource":"arn:aws:s3:::into/*"},"#,
                r#"{"Action":["kms:Decrypt","kms:GenerateDataKey"],"#,
                r#""Condition":{"StringLike":{"kms:ViaService":"s3.*.amazonaws.com"}},"#,
                r#""Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}"#
            )
        );
    }

    /// The text is part of the key under which credentials are kept.
    #[test]
    fn the_policy_of_a_copy_is_nobody_else_s() {
        let declared = [Action::GetObjectVersion, Action::PutObject];
        let copies = [("a-a", "b-b"), ("b-b", "a-a"), ("a-a", "a-a"), ("b-b", "b-b")];
        let mut texts: Vec<String> = copies
            .iter()
            .map(|(from, into)| session_policy(copy(from, into, &declared).permit(), "aws"))
            .collect();
        for bucket in ["a-a", "b-b"] {
            for declared in [&declared[..], &declared[..1], &declared[1..], Action::ALL] {
                texts.push(session_policy(&permit(bucket, declared), "aws"));
            }
        }
        let distinct: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len());
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
    fn every_action_fits() {
        let longest = session_policy(&permit(&"x".repeat(63), Action::ALL), "aws-us-gov");
        assert!(longest.chars().count() < MAX_CHARS, "{}", longest.len());
        let (from, into) = ("x".repeat(63), "y".repeat(63));
        let longest = session_policy(copy(&from, &into, Action::ALL).permit(), "aws-us-gov");
        assert!(longest.chars().count() < MAX_CHARS, "{}", longest.len());
    }
}
