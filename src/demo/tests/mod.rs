//! The stand-ins as the real clients see them: the AWS SDK, and plain HTTP.

mod copies;
mod services;

use std::collections::HashSet;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3 as s3_sdk;
use aws_sdk_sts as sts_sdk;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use s3_sdk::presigning::PresigningConfig;
use s3_sdk::primitives::ByteStream;
use s3_sdk::types::{CompletedMultipartUpload, CompletedPart, MetadataDirective};
use serde_json::json;

use super::*;

const ALICE: &str = "quilt-alice-lab";
const SHARED: &str = "quilt-shared";

async fn world() -> World {
    World::start().await.expect("a world")
}

fn config(url: &str, key: &str, secret: &str, token: Option<&str>) -> SdkConfig {
    let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
    SdkConfig::builder()
        .behavior_version(s3_sdk::config::BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build()
}

fn s3_client(world: &World, key: &str, secret: &str, token: Option<&str>) -> s3_sdk::Client {
    let shared = config(world.s3_url(), key, secret, token);
    let config = s3_sdk::config::Builder::from(&shared).force_path_style(true).build();
    s3_sdk::Client::from_conf(config)
}

fn sts_client(world: &World) -> sts_sdk::Client {
    let KeyPair { access_key_id, secret_access_key } = world.task_role();
    sts_sdk::Client::new(&config(world.sts_url(), access_key_id, secret_access_key, None))
}

fn user(world: &World, name: &str) -> User {
    world.users().iter().find(|user| user.name == name).expect("a user").clone()
}

/// Credentials of Alice's role, not narrowed, not through STS.
fn alice(world: &World) -> SessionCredentials {
    let arn = user(world, "alice").role_arn;
    world.iam().issue_session(&arn, "alice", None, Duration::from_secs(900)).expect("random")
}

fn as_alice(world: &World) -> s3_sdk::Client {
    let c = alice(world);
    s3_client(world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token))
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

fn session_policy(bucket: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    }] })
    .to_string()
}

async fn assume(world: &World, bucket: &str) -> sts_sdk::types::Credentials {
    let call = sts_client(world).assume_role().role_arn(user(world, "alice").role_arn);
    let call = call.role_session_name("alice-1").policy(session_policy(bucket));
    let answer = call.duration_seconds(900).send().await.expect("assumed");
    assert!(
        answer.assumed_role_user().is_some_and(|u| u.arn().ends_with("QuiltDemoAlice/alice-1"))
    );
    answer.credentials().expect("credentials").clone()
}

#[tokio::test]
async fn a_session_policy_narrows_the_role() {
    let world = world().await;
    let c = assume(&world, ALICE).await;
    let token = Some(c.session_token());
    let s3 = s3_client(&world, c.access_key_id(), c.secret_access_key(), token);
    let listed = s3.list_objects_v2().bucket(ALICE).prefix("plates/").max_keys(10).send().await;
    let listed = listed.expect("listed");
    assert_eq!((listed.contents().len(), listed.is_truncated()), (10, Some(true)));
    let got = s3.get_object().bucket(ALICE).key("README.md").send().await.expect("got");
    assert!(!got.body.collect().await.expect("body").into_bytes().is_empty());
    // Allowed by the role, not by the session policy.
    assert_eq!(code(s3.list_objects_v2().bucket(SHARED).send().await), "AccessDenied");
    assert_eq!(code(s3.get_object().bucket(SHARED).key("README.md").send().await), "AccessDenied");
    assert_eq!(
        code(s3.delete_object().bucket(ALICE).key("README.md").send().await),
        "AccessDenied"
    );
    // Neither allows it.
    assert_eq!(
        code(s3.get_object().bucket("quilt-bob-lab").key("README.md").send().await),
        "AccessDenied"
    );
    // Allowed by the session policy, not by the role.
    let c = assume(&world, "quilt-bob-lab").await;
    let token = Some(c.session_token());
    let s3 = s3_client(&world, c.access_key_id(), c.secret_access_key(), token);
    assert_eq!(code(s3.list_objects_v2().bucket("quilt-bob-lab").send().await), "AccessDenied");

    let journal = world.journal();
    let denied =
        |call: &Call| call.outcome == "AccessDenied" && call.bucket.as_deref() == Some(SHARED);
    assert_eq!(journal.count(denied), 2);
    let sts = journal.calls().into_iter().find(|call| call.service == Service::Sts).expect("STS");
    assert_eq!(sts.operation, "AssumeRole");
    assert_eq!(sts.detail.get("Policy"), Some(&session_policy(ALICE)));
    assert_eq!(sts.access_key_id.as_ref(), Some(&world.task_role().access_key_id));
}

#[tokio::test]
async fn credentials_are_checked_in_every_part() {
    let world = world().await;
    let (one, two) = (alice(&world), alice(&world));
    let list = async |key: &str, secret: &str, token: Option<&str>| {
        code(s3_client(&world, key, secret, token).list_objects_v2().bucket(ALICE).send().await)
    };
    let (key, secret) = (one.access_key_id.as_str(), one.secret_access_key.as_str());
    assert_eq!(list(key, secret, Some(&one.session_token)).await, "OK");
    assert_eq!(list(key, secret, Some(&two.session_token)).await, "InvalidToken");
    assert_eq!(list(key, secret, None).await, "InvalidToken");
    let token = Some(one.session_token.as_str());
    assert_eq!(list(key, &two.secret_access_key, token).await, "SignatureDoesNotMatch");
    assert_eq!(list("ASIAUNKNOWN", secret, token).await, "InvalidAccessKeyId");
    assert!(world.iam().expire(key));
    assert_eq!(list(key, secret, token).await, "ExpiredToken");
    assert!(world.iam().revoke(key));
    assert_eq!(list(key, secret, token).await, "InvalidAccessKeyId");

    let KeyPair { access_key_id, secret_access_key } = world.task_role();
    assert_eq!(list(access_key_id, secret_access_key, None).await, "AccessDenied");
    let s3 = s3_client(&world, access_key_id, secret_access_key, None);
    assert_eq!(code(s3.list_buckets().send().await), "AccessDenied");
    let unsigned = reqwest::get(format!("{}/{ALICE}/README.md", world.s3_url())).await;
    assert_eq!(unsigned.expect("answered").status(), 403);
}

#[tokio::test]
async fn presigned_urls_are_checked() {
    let world = world().await;
    let s3 = as_alice(&world);
    let presigning = PresigningConfig::expires_in(Duration::from_secs(60)).expect("a time");
    let key = "protocols/enzyme/assay v2 (µM + controls).md";
    let request = s3.get_object().bucket(ALICE).key(key).presigned(presigning).await;
    let url = request.expect("presigned").uri().to_owned();
    let fetch = async |url: &str| reqwest::get(url).await.expect("answered").status().as_u16();
    assert_eq!(fetch(&url).await, 200);
    assert_eq!(fetch(&url.replace(ALICE, SHARED)).await, 403, "another bucket");
    assert_eq!(fetch(&url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")).await, 403);
    assert_eq!(fetch(&url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=x")).await, 403);
    let (whole, _) = url.split_once("&X-Amz-Security-Token=").expect("a token");
    assert_ne!(fetch(whole).await, 200);
    // A URL dies with the credentials that signed it.
    world.iam().expire_all_sessions();
    assert_eq!(fetch(&url).await, 400);
    assert_eq!(world.journal().count(|call| call.outcome == "ExpiredToken"), 1);
}

#[tokio::test]
async fn objects_come_back_as_they_went() {
    let world = world().await;
    let s3 = as_alice(&world);
    let body = ByteStream::from_static(b"0123456789");
    let put = s3.put_object().bucket(ALICE).key("n/k +é").body(body).metadata("a", "b");
    let put = put.content_type("text/x").send().await.expect("put");
    let get = || s3.get_object().bucket(ALICE).key("n/k +é");
    let got = get().range("bytes=2-4").send().await.expect("got");
    assert_eq!(got.content_range(), Some("bytes 2-4/10"));
    assert_eq!(got.metadata().and_then(|m| m.get("a")).map(String::as_str), Some("b"));
    assert_eq!(got.body.collect().await.expect("body").into_bytes(), "234");
    assert_eq!(code(get().range("bytes=10-").send().await), "InvalidRange");
    let old = get().version_id(put.version_id().expect("versioned")).send().await.expect("got");
    assert_eq!(old.content_type(), Some("text/x"));
    assert_eq!(code(get().version_id("nope").send().await), "NoSuchVersion");
    assert_eq!(code(s3.get_object().bucket(ALICE).key("gone").send().await), "NoSuchKey");

    let again = s3.put_object().bucket(ALICE).key("n/k +é").if_none_match("*");
    assert_eq!(code(again.send().await), "PreconditionFailed");
    let wrong = s3.put_object().bucket(ALICE).key("w").body(ByteStream::from_static(b"x"));
    let wrong = wrong.checksum_sha256("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(code(wrong.send().await), "BadDigest");

    let copy = s3
        .copy_object()
        .bucket(SHARED)
        .key("copied")
        .copy_source(format!("{ALICE}/n%2Fk%20%2B%C3%A9"));
    let copy = copy.metadata_directive(MetadataDirective::Copy).send().await.expect("copied");
    assert!(copy.version_id().is_some());
    let steal = s3.copy_object().bucket(ALICE).key("x").copy_source("quilt-bob-lab/README.md");
    assert_eq!(code(steal.send().await), "AccessDenied");
    let head = s3.head_object().bucket(SHARED).key("copied").send().await.expect("head");
    assert_eq!((head.content_length(), head.content_type()), (Some(10), Some("text/x")));

    let gone = s3.delete_object().bucket(SHARED).key("copied").send().await.expect("deleted");
    assert_eq!(gone.delete_marker(), Some(true));
    let versions = s3.list_object_versions().bucket(SHARED).prefix("copied").send().await;
    let versions = versions.expect("versions");
    assert_eq!((versions.versions().len(), versions.delete_markers().len()), (1, 1));
    let place = s3.get_bucket_location().bucket(ALICE).send().await.expect("location");
    assert!(place.location_constraint().is_none_or(|l| l.as_str().is_empty()));
    s3.head_bucket().bucket(ALICE).send().await.expect("head bucket");
}

#[tokio::test]
async fn a_missing_key_is_told_only_to_who_may_list() {
    let world = world().await;
    let arn = user(&world, "alice").role_arn;
    let only_get =
        Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#);
    let life = Duration::from_secs(900);
    let c = world.iam().issue_session(&arn, "a", Some(only_get.expect("policy")), life);
    let c = c.expect("random");
    let s3 = s3_client(&world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token));
    assert_eq!(code(s3.get_object().bucket(ALICE).key("README.md").send().await), "OK");
    assert_eq!(code(s3.get_object().bucket(ALICE).key("gone").send().await), "AccessDenied");
}

#[tokio::test]
async fn paging_and_url_encoding() {
    let world = world().await;
    let s3 = as_alice(&world);
    let mut pages = s3.list_objects_v2().bucket(ALICE).max_keys(7).into_paginator().send();
    let mut seen = Vec::new();
    while let Some(page) = pages.next().await {
        seen.extend(
            page.expect("a page").contents().iter().filter_map(|o| o.key().map(str::to_owned)),
        );
    }
    assert_eq!(seen, world.store().keys(ALICE));
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
    let folders = s3.list_objects_v2().bucket(ALICE).delimiter("/").send().await.expect("listed");
    let folders: Vec<_> = folders.common_prefixes().iter().filter_map(|p| p.prefix()).collect();
    assert_eq!(
        folders,
        ["images/", "measurements/", "notes/", "plates/", "protocols/", "results/"]
    );
    let encoded = s3.list_objects_v2().bucket(ALICE).prefix("protocols/");
    let encoded = encoded.encoding_type("url".into()).send().await.expect("listed");
    let key = encoded.contents().first().and_then(|o| o.key());
    assert_eq!(key, Some("protocols/enzyme/assay+v2+%28%C2%B5M+%2B+controls%29.md"));
}

#[tokio::test]
async fn parts_through_the_sdk() {
    let world = world().await;
    let s3 = as_alice(&world);
    let created = s3.create_multipart_upload().bucket(ALICE).key("big").send().await;
    let created = created.expect("created");
    let id = created.upload_id().expect("an id");
    let mut parts = Vec::new();
    for (number, size) in [(1, 5 * 1024 * 1024), (2, 10)] {
        let part = s3.upload_part().bucket(ALICE).key("big").upload_id(id).part_number(number);
        let part = part.body(ByteStream::from(vec![b'x'; size])).send().await.expect("a part");
        let part = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        parts.push(part.build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let done = s3.complete_multipart_upload().bucket(ALICE).key("big").upload_id(id);
    let done = done.multipart_upload(parts).send().await.expect("completed");
    assert!(done.e_tag().is_some_and(|etag| etag.ends_with("-2\"")), "{:?}", done.e_tag());
    let head = s3.head_object().bucket(ALICE).key("big").send().await.expect("head");
    assert_eq!(head.content_length(), Some(5 * 1024 * 1024 + 10));
    let created = s3.create_multipart_upload().bucket(ALICE).key("no").send().await;
    let id = created.expect("created").upload_id.expect("an id");
    let abort = || s3.abort_multipart_upload().bucket(ALICE).key("no").upload_id(&id);
    abort().send().await.expect("aborted");
    assert_eq!(code(abort().send().await), "NoSuchUpload");
}
