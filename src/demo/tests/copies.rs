//! Copies, parts, conditions: what the S3 stand-in refuses and how it pages.

use s3_sdk::types::{ChecksumAlgorithm, ObjectAttributes};

use super::*;
use crate::demo::store::{Attributes, Object, Precondition, StoreError};

const BOB: &str = "quilt-bob-lab";
const PART: usize = 5 * 1024 * 1024;

/// Alice, narrowed to these statements.
fn narrowed(world: &World, statements: &serde_json::Value) -> s3_sdk::Client {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(&policy).expect("a policy");
    let arn = user(world, "alice").role_arn;
    let life = Duration::from_secs(900);
    let c = world.iam().issue_session(&arn, "a", Some(policy), life).expect("random");
    s3_client(world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token))
}

fn allow(actions: &[&str], bucket: &str) -> serde_json::Value {
    let resource = format!("arn:aws:s3:::{bucket}/*");
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

async fn begin(s3: &s3_sdk::Client, key: &str) -> String {
    let begun = s3.create_multipart_upload().bucket(ALICE).key(key);
    let begun = begun.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await;
    begun.expect("begun").upload_id.expect("an id")
}

#[tokio::test]
async fn whoever_may_not_read_the_source_may_not_copy_it() {
    let world = world().await;
    let s3 = as_alice(&world);
    let version = world.store().put(SHARED, "src", "x", None).expect("put");
    let upload = begin(&s3, "dst").await;
    let copies = async |s3: &s3_sdk::Client, source: &str| {
        let whole = s3.copy_object().bucket(ALICE).key("dst").copy_source(source).send().await;
        let part = s3.upload_part_copy().bucket(ALICE).key("dst").copy_source(source);
        let part = part.upload_id(&upload).part_number(1).send().await;
        [code(whole), code(part)]
    };
    let (now, old) = (format!("{SHARED}/src"), format!("{SHARED}/src?versionId={version}"));
    let denied = ["AccessDenied", "AccessDenied"];
    assert_eq!(copies(&s3, &format!("{BOB}/README.md")).await, denied);
    let write = allow(&["s3:PutObject"], ALICE);
    let only_write = narrowed(&world, &json!([write]));
    let reads_now = narrowed(&world, &json!([write, allow(&["s3:GetObject"], SHARED)]));
    let reads_old = narrowed(&world, &json!([write, allow(&["s3:GetObjectVersion"], SHARED)]));
    let reads = allow(&["s3:GetObject", "s3:GetObjectVersion"], "*");
    let only_read = narrowed(&world, &json!([reads]));
    for source in [&now, &old] {
        assert_eq!(copies(&only_write, source).await, denied);
        assert_eq!(copies(&only_read, source).await, denied);
    }
    assert_eq!(copies(&reads_now, &old).await, denied);
    assert_eq!(copies(&reads_old, &now).await, denied);
    assert!(!world.store().keys(ALICE).contains(&"dst".to_owned()), "nothing was written");
    assert!(world.store().parts(ALICE, "dst", &upload).expect("there").is_empty());
    assert_eq!(copies(&reads_now, &now).await, ["OK", "OK"]);
    assert_eq!(copies(&reads_old, &old).await, ["OK", "OK"]);
    // What is not there is told only to those who may list there.
    assert_eq!(copies(&reads_now, &format!("{SHARED}/gone")).await, denied);
    assert_eq!(copies(&s3, &format!("{SHARED}/gone")).await, ["NoSuchKey", "NoSuchKey"]);
}

#[tokio::test]
async fn a_copy_s_source_and_range_are_looked_at() {
    let world = world().await;
    let s3 = as_alice(&world);
    let first = world.store().put(ALICE, "s", "0123456789", None).expect("put");
    world.store().put(ALICE, "s", "abc", None).expect("put");
    let copy = |source: String| s3.copy_object().bucket(ALICE).key("s").copy_source(source);
    assert_eq!(code(copy(format!("{ALICE}/s")).send().await), "InvalidRequest", "onto itself");
    let restored = copy(format!("{ALICE}/s?versionId={first}")).send().await.expect("restored");
    assert_eq!(restored.copy_source_version_id(), Some(first.as_str()));
    let upload = begin(&s3, "d").await;
    let part = |range: &str| {
        let part = s3.upload_part_copy().bucket(ALICE).key("d").upload_id(&upload).part_number(1);
        part.copy_source(format!("{ALICE}/s")).copy_source_range(range)
    };
    assert_eq!(code(part("bytes=0-10").send().await), "InvalidArgument");
    assert_eq!(code(part("bytes=0-").send().await), "InvalidArgument");
    let wrong = part("bytes=2-4").copy_source_if_match("\"x\"").send().await;
    assert_eq!(code(wrong), "PreconditionFailed");
    let copied = part("bytes=2-4").send().await.expect("copied");
    let copied = copied.copy_part_result().expect("a result");
    assert!(copied.checksum_sha256().is_some(), "the upload's algorithm");
    let parts = world.store().parts(ALICE, "d", &upload).expect("there");
    assert_eq!(parts.first().map(|part| part.body.clone()), Some("234".into()));
    let etag = world.store().get(ALICE, "s", None).expect("there").1.etag.clone();
    let same = copy(format!("{ALICE}/s")).key("t").copy_source_if_none_match(&etag).send().await;
    assert_eq!(code(same), "PreconditionFailed");
    world.store().delete(ALICE, "s", None).expect("deleted");
    let marker = world.store().latest(ALICE, "s").expect("a marker");
    let gone = copy(format!("{ALICE}/s?versionId={marker}")).key("t").send().await;
    assert_eq!(code(gone), "InvalidRequest");
    assert_eq!(code(copy(format!("{ALICE}/s")).key("t").send().await), "NoSuchKey");
}

#[tokio::test]
async fn a_copy_has_a_checksum_of_the_whole() {
    let world = world().await;
    let s3 = as_alice(&world);
    let mut object = Object::new("0123456789", Attributes::default());
    object.checksum = digest::Composite::Sha256.of([b"01234".as_slice(), b"56789"].into_iter());
    world.store().insert(ALICE, "parts", object, &Precondition::None).expect("put");
    let copy = s3.copy_object().bucket(ALICE).key("whole").copy_source(format!("{ALICE}/parts"));
    let copy = copy.send().await.expect("copied").copy_object_result.expect("a result");
    let whole = digest::by_name("SHA256", b"0123456789").checksum_sha256;
    assert_eq!(copy.checksum_sha256, whole);
}

#[tokio::test]
async fn a_completion_names_the_checksums_of_its_parts() {
    let world = world().await;
    let s3 = as_alice(&world);
    let upload = begin(&s3, "k").await;
    let part = s3.upload_part().bucket(ALICE).key("k").upload_id(&upload).part_number(1);
    let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256);
    let part = part.body(ByteStream::from_static(b"x")).send().await.expect("a part");
    let complete = async |sum: Option<&str>| {
        let named = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag.clone());
        let named = named.set_checksum_sha256(sum.map(str::to_owned)).build();
        let parts = CompletedMultipartUpload::builder().parts(named).build();
        let done = s3.complete_multipart_upload().bucket(ALICE).key("k").upload_id(&upload);
        code(done.multipart_upload(parts).send().await)
    };
    assert_eq!(complete(None).await, "InvalidRequest");
    assert_eq!(complete(Some("AAAA")).await, "InvalidPart");
    assert_eq!(complete(part.checksum_sha256()).await, "OK");
}

#[tokio::test]
async fn conditions_hold_or_not() {
    let world = world().await;
    let s3 = as_alice(&world);
    let put = || s3.put_object().bucket(ALICE).key("c");
    assert_eq!(code(put().if_match("\"x\"").send().await), "NoSuchKey");
    let etag = put().if_none_match("*").send().await.expect("absent").e_tag.expect("an etag");
    assert_eq!(code(put().if_none_match("*").send().await), "PreconditionFailed");
    assert_eq!(code(put().if_match("\"x\"").send().await), "PreconditionFailed");
    assert_eq!(code(put().if_match(&etag).send().await), "OK");
    assert_eq!(code(put().if_match("*").send().await), "NotImplemented");
    // To compare is to read.
    let blind = narrowed(&world, &json!([allow(&["s3:PutObject"], ALICE)]));
    let put = || blind.put_object().bucket(ALICE).key("c");
    assert_eq!(code(put().if_match(&etag).send().await), "AccessDenied");
    assert_eq!(code(put().if_none_match("*").send().await), "PreconditionFailed");
}

#[tokio::test]
async fn what_was_deleted_under_a_conditional_write_is_a_conflict() {
    let world = world().await;
    let store = world.store();
    let object = || Object::new("x", Attributes::default());
    for condition in [Precondition::Absent, Precondition::Matches(object().etag)] {
        store.put(ALICE, "raced", "x", None).expect("put");
        let seen = store.latest(ALICE, "raced");
        let write = || store.insert_since(seen.as_deref(), ALICE, "raced", object(), &condition);
        store.delete(ALICE, "raced", None).expect("deleted");
        assert_eq!(write().err(), Some(StoreError::Conflict), "{condition:?}");
    }
    // One that began after the delete is none, nor is one without a condition.
    let seen = store.latest(ALICE, "raced");
    let write = |seen: Option<&str>, condition| {
        store.insert_since(seen, ALICE, "raced", object(), &condition).map(|_| ())
    };
    assert_eq!(write(None, Precondition::None), Ok(()));
    store.delete(ALICE, "raced", None).expect("deleted");
    assert_eq!(write(seen.as_deref(), Precondition::Absent), Err(StoreError::Conflict));
    let seen = store.latest(ALICE, "raced");
    assert_eq!(write(seen.as_deref(), Precondition::Absent), Ok(()));
}

#[tokio::test]
async fn parts_come_in_pages() {
    let world = world().await;
    let s3 = as_alice(&world);
    let upload = begin(&s3, "big").await;
    let mut named = Vec::new();
    for (number, size) in [(1, PART), (2, PART), (3, 1)] {
        let part = s3.upload_part().bucket(ALICE).key("big").upload_id(&upload);
        let part = part.part_number(number).checksum_algorithm(ChecksumAlgorithm::Sha256);
        let part = part.body(ByteStream::from(vec![b'x'; size])).send().await.expect("a part");
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_sha256(part.checksum_sha256);
        named.push(part.build());
    }
    let list = || s3.list_parts().bucket(ALICE).key("big").upload_id(&upload).max_parts(2);
    let page = list().send().await.expect("listed");
    assert_eq!((page.parts().len(), page.is_truncated()), (2, Some(true)));
    let next = page.next_part_number_marker().expect("a marker").to_owned();
    let page = list().part_number_marker(next).send().await.expect("listed");
    assert_eq!((page.parts().len(), page.is_truncated()), (1, Some(false)));
    let parts = CompletedMultipartUpload::builder().set_parts(Some(named)).build();
    let done = s3.complete_multipart_upload().bucket(ALICE).key("big").upload_id(&upload);
    let done = done.multipart_upload(parts).send().await.expect("completed");
    assert!(done.checksum_sha256().is_some_and(|sum| sum.ends_with("-3")));
    let ask = |s3: &s3_sdk::Client| {
        let ask = s3.get_object_attributes().bucket(ALICE).key("big").max_parts(2);
        ask.object_attributes(ObjectAttributes::ObjectParts)
    };
    let page = ask(&s3).send().await.expect("told").object_parts.expect("parts");
    assert_eq!((page.parts().len(), page.total_parts_count()), (2, Some(3)));
    let next = page.next_part_number_marker.expect("a marker");
    let page = ask(&s3).part_number_marker(next).send().await.expect("told");
    let page = page.object_parts.expect("parts");
    assert_eq!(page.parts().first().and_then(|part| part.size()), Some(1));
    assert_eq!(page.is_truncated(), Some(false));
    let reads = narrowed(&world, &json!([allow(&["s3:GetObject"], ALICE)]));
    assert_eq!(code(ask(&reads).send().await), "AccessDenied");
}
