//! Parts that are pieces of other objects.

use s3_sdk::types::{ChecksumAlgorithm, ChecksumMode, ObjectAttributes};

use super::*;

const MIB: usize = 1024 * 1024;
const PART: usize = 8 * MIB;
const SIZE: usize = PART + 10;

async fn begin(s3: &s3_sdk::Client, bucket: &str) -> String {
    let created = s3.create_multipart_upload().bucket(bucket).key("copy");
    let created = created.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await;
    created.expect("created").upload_id.expect("an id")
}

async fn copy_part(
    s3: &s3_sdk::Client,
    source: &str,
    id: &str,
    number: i32,
    range: &str,
) -> Result<CompletedPart, String> {
    let part = s3.upload_part_copy().bucket(SHARED).key("copy").upload_id(id).part_number(number);
    let sent = part.copy_source(source).copy_source_range(range).send().await;
    let copied = match sent {
        Ok(copied) => copied.copy_part_result.expect("a result"),
        Err(error) => return Err(error.code().unwrap_or_default().to_owned()),
    };
    let part = CompletedPart::builder().part_number(number).set_e_tag(copied.e_tag);
    Ok(part.set_checksum_sha256(copied.checksum_sha256).build())
}

/// quilt3 copies what is 8 MiB or more this way, and takes the composite SHA-256 for its own hash.
#[tokio::test]
async fn parts_copied_from_another_bucket() {
    let world = world().await;
    let s3 = as_alice(&world);
    let body: Vec<u8> = (0..SIZE).map(|at| u8::try_from(at % 251).expect("a byte")).collect();
    let first = s3.put_object().bucket(ALICE).key("a b").body(ByteStream::from(body.clone()));
    let version = first.send().await.expect("put").version_id.expect("a version");
    let other = s3.put_object().bucket(ALICE).key("a b").body(ByteStream::from_static(b"newer"));
    other.send().await.expect("put");

    let source = format!("{ALICE}/a%20b?versionId={version}");
    let id = begin(&s3, SHARED).await;
    let mut parts = Vec::new();
    for (number, first, last) in [(1, 0, PART - 1), (2, PART, SIZE - 1)] {
        let range = format!("bytes={first}-{last}");
        let part = copy_part(&s3, &source, &id, number, &range).await.expect("a part");
        assert!(part.checksum_sha256.is_some(), "the upload's algorithm");
        parts.push(part);
    }
    for range in [format!("bytes=0-{SIZE}"), "bytes=0-".to_owned(), "bytes=-5".to_owned()] {
        let refused = copy_part(&s3, &source, &id, 3, &range).await;
        assert_eq!(refused.err().as_deref(), Some("InvalidArgument"), "{range}");
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let done = s3.complete_multipart_upload().bucket(SHARED).key("copy").upload_id(&id);
    done.multipart_upload(parts).send().await.expect("completed");

    let get = s3.get_object().bucket(SHARED).key("copy").send().await.expect("get");
    assert!(get.body.collect().await.expect("a body").into_bytes() == body, "the older version");
    let head = s3.head_object().bucket(SHARED).key("copy").checksum_mode(ChecksumMode::Enabled);
    let whole = head.send().await.expect("head").checksum_sha256.expect("a checksum");
    // The demo's roles may not ask for attributes.
    let all = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"] },
    ] });
    let policy = policy::Policy::parse(&all.to_string()).expect("a policy");
    let key = world.iam().issue_key("arn:aws:iam::123456789012:user/all", policy).expect("a key");
    let all = s3_client(&world, &key.access_key_id, &key.secret_access_key, None);
    let asked = all.get_object_attributes().bucket(SHARED).key("copy");
    let asked = asked.object_attributes(ObjectAttributes::Checksum);
    let told = asked.send().await.expect("attributes");
    let bare = told.checksum.expect("a checksum").checksum_sha256.expect("SHA-256");
    assert_eq!(whole, format!("{bare}-2"), "attributes tell it without the number of parts");
}

#[tokio::test]
async fn a_part_of_what_the_caller_may_not_read_is_refused() {
    let world = world().await;
    let alice = as_alice(&world);
    let id = begin(&alice, SHARED).await;
    let refused = copy_part(&alice, "quilt-bob-lab/README.md", &id, 1, "bytes=0-1").await;
    assert_eq!(refused.err().as_deref(), Some("AccessDenied"));
    let missing = copy_part(&alice, "quilt-alice-lab/nothing", &id, 1, "bytes=0-1").await;
    assert_eq!(missing.err().as_deref(), Some("NoSuchKey"));
}
