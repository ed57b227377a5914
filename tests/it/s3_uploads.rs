//! Writing what comes as a stream, and on conditions.

use std::time::Duration;

use quilt_mcp_server::{
    demo::{Fault, Service},
    error::Code,
};
use serde_json::{Value, json};

use crate::s3_packages::{MIB, SHARED, app, call, content, has, none_left, operations, seen, uri};

#[tokio::test]
async fn what_comes_as_a_stream_is_written_whole_or_in_parts() {
    let app = app().await;
    let store = app.world().store();
    let client = app.client("alice");
    for (size, parts) in [(0, 0), (5, 0), (8 * MIB - 1, 0), (8 * MIB, 1), (17 * MIB, 3)] {
        app.world().journal().clear();
        let upload = json!({"op": "upload", "uri": uri(SHARED, "u/é"), "size": size});
        let written = seen(&call(&client, upload).await);
        let (version, object) = store.get(SHARED, "u/é", None).unwrap();
        assert_eq!(
            (&written["etag"], &written["version_id"]),
            (&json!(object.etag), &json!(version.id))
        );
        assert_eq!((object.body.clone(), object.parts.len()), (content(size), parts));
        assert_eq!(object.attributes.content_type.as_deref(), Some("application/x-test"));
        assert_eq!(object.attributes.metadata["a"], "b");
        let sum = object.checksum.checksum_sha256.clone().unwrap();
        assert_eq!(
            sum.split_once('-').map(|(_, n)| n.to_owned()),
            (parts > 0).then(|| parts.to_string())
        );
        assert_eq!(store.uploads(), 0);
        let sent = operations(&app).into_iter().filter(|o| o == "UploadPart").count();
        assert_eq!(sent, parts);
    }
}

#[tokio::test]
async fn an_upload_that_fails_or_is_left_leaves_nothing() {
    let app = app().await;
    let client = app.client("alice");
    let upload = |more: Value| {
        let mut upload = json!({"op": "upload", "uri": uri(SHARED, "u"), "size": 18 * MIB});
        upload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        upload
    };
    for (after, abort) in [(0, false), (MIB, false), (9 * MIB, true)] {
        app.world().journal().clear();
        let answer = call(&client, upload(json!({"fails_after": after}))).await;
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{}", answer.body);
        assert_eq!(operations(&app).contains(&"AbortMultipartUpload".to_owned()), abort);
        assert_eq!((app.world().store().uploads(), has(&app, SHARED, "u")), (0, false));
    }
    let waits = upload(json!({"waits_after": 17 * MIB}));
    let left = tokio::time::timeout(Duration::from_millis(2500), call(&client, waits));
    assert!(left.await.is_err());
    assert!(operations(&app).contains(&"CreateMultipartUpload".to_owned()), "it had begun");
    none_left(&app).await;
    assert!(!has(&app, SHARED, "u"));
    // An abort that S3 refuses does not hide why the upload failed.
    app.world().faults().clear();
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::S3, Fault::ACCESS_DENIED, 4);
    let answer = call(&client, upload(json!({}))).await;
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"));
    let no_abort = app.token_with("alice", |claims| {
        for name in ["permissions", "p"] {
            let list = claims[name].as_array_mut().unwrap();
            list.retain(|p| p != "s3:AbortMultipartUpload" && p != "amu");
        }
    });
    app.world().faults().clear();
    app.world().journal().clear();
    let client = app.anonymous().with_token(no_abort);
    let answer = call(&client, upload(json!({}))).await;
    assert_eq!(answer.code().as_deref(), Some("insufficient_scope"));
    assert_eq!(app.s3_calls().len(), 0, "nothing is begun that could not be ended");
}

#[tokio::test]
async fn writes_depend_on_what_is_there() {
    let app = app().await;
    let store = app.world().store();
    let client = app.client("alice");
    for (op, size) in [("put", 3), ("upload", 3), ("upload", 8 * MIB)] {
        let write = async |more: Value| {
            let mut write = json!({"op": op, "uri": uri(SHARED, "c"), "size": size});
            write.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            call(&client, write).await
        };
        store.delete(SHARED, "c", None).unwrap();
        let there = write(json!({"matches": "0123"})).await;
        assert_eq!(there.code().as_deref(), Some("conflict"), "nothing there: {}", there.body);
        let etag = seen(&write(json!({"absent": true})).await)["etag"].clone();
        let again = write(json!({"absent": true})).await;
        assert_eq!(again.code().as_deref(), Some("already_exists"));
        let other = write(json!({"matches": "0123"})).await;
        assert_eq!(other.code().as_deref(), Some("conflict"));
        assert!(other.structured()["why"].as_str().unwrap().contains("no longer the one"));
        assert_eq!(store.versions(SHARED, "c").iter().filter(|v| v.object.is_some()).count(), 1);
        assert!(write(json!({"matches": etag})).await.is_ok());
        assert_eq!(store.uploads(), 0);
        // The next round begins anew.
        for version in store.versions(SHARED, "c") {
            store.delete(SHARED, "c", Some(&version.id)).unwrap();
        }
    }
    let blind = app.token_with("alice", |claims| {
        for name in ["permissions", "p"] {
            claims[name].as_array_mut().unwrap().retain(|p| p != "s3:GetObject" && p != "g");
        }
    });
    let blind = app.anonymous().with_token(blind);
    let write = json!({"op": "put", "uri": uri(SHARED, "c"), "size": 1, "matches": "0"});
    assert_eq!(call(&blind, write).await.code().as_deref(), Some("insufficient_scope"));
}

#[tokio::test]
async fn what_is_deleted_while_an_upload_runs_is_a_conflict() {
    let app = app().await;
    let store = app.world().store();
    let client = app.client("alice");
    app.put(SHARED, "raced", "x");
    let upload = json!({"op": "upload", "uri": uri(SHARED, "raced"), "size": 17 * MIB,
        "absent": true, "waits_after": 16 * MIB});
    let running = tokio::spawn(async move { call(&client, upload).await });
    while store.uploads() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.delete(SHARED, "raced", None).unwrap();
    assert_eq!(running.await.unwrap().code().as_deref(), Some(Code::Conflict.as_str()));
    assert_eq!(store.uploads(), 0);
}
