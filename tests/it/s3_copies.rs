//! Copies inside of S3: what belongs to an object goes with it, who may not is refused, and nothing is
//! left of a copy that failed.

use std::{collections::BTreeMap, time::Duration};

use quilt_mcp_server::demo::{
    Fault, Service,
    store::{Attributes, Object, Precondition},
};
use serde_json::{Value, json};

use crate::{
    s3_packages::{MIB, SHARED, app, call, content, has, none_left, operations, seen, uri},
    support::{lab, sts_calls},
};

const ODD: &[&str] = &[
    "plain.txt",
    "with space/and+plus",
    "100%",
    "%2Fencoded",
    "q?versionId=1&x#frag",
    "ünïcode/日本語/🧬",
    "/leading//double/",
    "quote'\"`<>&",
    "tab\there",
    "back\\slash",
    "a=b;c,d:e@f!$()*[]",
];

#[tokio::test]
async fn odd_keys_and_old_versions_are_copied_with_all_that_belongs_to_them() {
    let app = app().await;
    let client = app.client("alice");
    for (index, key) in ODD.iter().enumerate() {
        let body = format!("first of {key}");
        let attributes = Attributes {
            content_type: Some("text/x-odd".into()),
            cache_control: Some("no-cache".into()),
            metadata: BTreeMap::from([("who".into(), index.to_string())]),
            ..Attributes::default()
        };
        let object = Object::new(body.clone(), attributes.clone());
        let store = app.world().store();
        let first = store.insert(&lab("alice"), key, object, &Precondition::None).unwrap().id;
        app.put(&lab("alice"), key, "second!");
        let old = format!("{}?versionId={first}", uri(&lab("alice"), key));
        for from in [uri(&lab("alice"), key), old.clone()] {
            let to = uri(SHARED, &format!("copied/{key}"));
            let arguments = json!({"op": "copy", "uri": from, "to": to, "size": body.len()});
            let written = seen(&call(&client, arguments).await);
            let (version, object) = store.get(SHARED, &format!("copied/{key}"), None).unwrap();
            assert_eq!(written["version_id"], version.id.as_str(), "{key}");
            assert_eq!(written["etag"], object.etag.as_str());
            if from == old {
                assert_eq!((&object.body[..], &object.attributes), (body.as_bytes(), &attributes));
            } else {
                assert_eq!(object.body, "second!");
            }
        }
    }
    assert_eq!(sts_calls(app.world()).len(), 1, "one set of credentials for all of these copies");
    let policy: Value =
        serde_json::from_str(&sts_calls(app.world())[0].detail["Policy"].clone()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let of = |resource: &str| -> Vec<&Value> {
        statements.iter().filter(|s| s["Resource"] == resource).map(|s| &s["Action"]).collect()
    };
    let reads = json!(["s3:GetObject", "s3:GetObjectVersion"]);
    assert_eq!(of(&format!("arn:aws:s3:::{}/*", lab("alice"))), [&reads]);
    let writes = json!(["s3:PutObject", "s3:AbortMultipartUpload"]);
    assert_eq!(of(&format!("arn:aws:s3:::{SHARED}/*")), [&writes]);
}

#[tokio::test]
async fn a_copy_is_refused_at_either_side_and_writes_nothing() {
    let app = app().await;
    let store = app.world().store();
    let version = app.put(&lab("alice"), "s", "secret of alice");
    app.put(&lab("bob"), "s", "secret of bob");
    let (alice, bob) = (lab("alice"), lab("bob"));
    let copy = |from: &str, to: &str| json!({"op": "copy", "uri": from, "to": to, "size": 1});
    let keys: Vec<Vec<String>> = [&alice, &bob, SHARED].map(|b| store.keys(b)).into();
    let old = format!("{}?versionId={version}", uri(&alice, "s"));
    let token = |lacks: &'static str| {
        app.token_with("alice", move |claims| {
            for name in ["permissions", "p"] {
                let list = claims[name].as_array_mut().unwrap();
                list.retain(|p| !lacks.split(' ').any(|lack| p == lack));
            }
        })
    };
    let to = uri(SHARED, "stolen");
    let cases = [
        // Our own check: the token's buckets and actions.
        (app.token("bob"), uri(&alice, "s"), to.clone(), "bucket_not_granted", 0),
        (app.token("alice"), uri(&alice, "s"), uri(&bob, "t"), "bucket_not_granted", 0),
        (token("s3:PutObject p"), uri(&alice, "s"), to.clone(), "insufficient_scope", 0),
        (token("s3:GetObjectVersion gv"), old, to.clone(), "insufficient_scope", 0),
        // AWS's: the token of bob allows writing somewhere, his role not here.
        (app.token("bob"), uri(&bob, "s"), to.clone(), "aws_access_denied", 1),
        // A catalog token lists nothing; AWS alone decides.
        (
            app.user("bob").catalog_token.clone(),
            uri(&alice, "s"),
            uri(&bob, "t"),
            "aws_access_denied",
            1,
        ),
        (app.user("bob").catalog_token.clone(), uri(&bob, "s"), to, "aws_access_denied", 1),
    ];
    for (token, from, to, code, calls) in cases {
        app.world().journal().clear();
        let client = app.anonymous().with_token(token);
        let answer = call(&client, copy(&from, &to)).await;
        assert_eq!(answer.code().as_deref(), Some(code), "{from} → {to}: {}", answer.body);
        assert_eq!(app.s3_calls().len(), calls, "{from} → {to}");
    }
    assert_eq!([&alice, &bob, SHARED].map(|b| store.keys(b)).to_vec(), keys);
    // Without the right to abort, nothing is begun that might have to be.
    app.world().journal().clear();
    let client = app.anonymous().with_token(token("s3:AbortMultipartUpload amu"));
    let mut parts = copy(&uri(&alice, "s"), &uri(SHARED, "t"));
    parts["whole"] = json!(0);
    assert_eq!(call(&client, parts).await.code().as_deref(), Some("insufficient_scope"));
    assert_eq!(app.s3_calls().len(), 0);
}

#[tokio::test]
async fn what_is_wrong_about_a_source_is_told() {
    let app = app().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "s", "x");
    let copy = async |from: &str| {
        let to = uri(SHARED, "t");
        let answer = call(&client, json!({"op": "copy", "uri": from, "to": to, "size": 1})).await;
        (answer.code().unwrap(), answer.structured()["what"].as_str().unwrap().to_owned())
    };
    let gone = uri(&lab("alice"), "gone");
    assert_eq!(copy(&gone).await, ("no_such_object".into(), format!("Copying {gone} failed")));
    let old = format!("{}?versionId=nope", uri(&lab("alice"), "s"));
    let (code, what) = copy(&old).await;
    assert_eq!(
        (code.as_str(), what.starts_with("Version nope not found")),
        ("no_such_object", true)
    );
    // S3 knows no copy of an object onto itself.
    let same = uri(&lab("alice"), "s");
    let answer = call(&client, json!({"op": "copy", "uri": same, "to": same, "size": 1})).await;
    assert_eq!(answer.code().as_deref(), Some("aws_refused"));
}

#[tokio::test]
async fn an_object_that_was_replaced_since_it_was_looked_at_is_not_copied() {
    let app = app().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "s", content(6 * MIB));
    let seen = app.world().store().get(&lab("alice"), "s", None).unwrap().1.etag.clone();
    app.put(&lab("alice"), "s", vec![7; 6 * MIB]);
    for whole in [Value::Null, json!(MIB)] {
        let copy = json!({"op": "copy", "uri": uri(&lab("alice"), "s"), "to": uri(SHARED, "t"),
            "size": 6 * MIB, "whole": whole, "matches": seen});
        assert_eq!(call(&client, copy).await.code().as_deref(), Some("conflict"), "{whole}");
    }
    assert_eq!(app.world().store().latest(SHARED, "t"), None);
}

#[tokio::test]
async fn large_objects_are_copied_in_parts() {
    let app = app().await;
    let client = app.client("alice");
    let store = app.world().store();
    let body = content(11 * MIB);
    let attributes = Attributes {
        content_type: Some("text/x-large".into()),
        content_encoding: Some("identity".into()),
        metadata: BTreeMap::from([("who".into(), "alice".into())]),
        ..Attributes::default()
    };
    let object = Object::new(body.clone(), attributes.clone());
    let crc = object.checksum.checksum_crc64nvme.clone();
    let id = store.insert(&lab("alice"), "l é", object, &Precondition::None).unwrap().id;
    app.put(&lab("alice"), "l é", "newer");
    let from = format!("{}?versionId={id}", uri(&lab("alice"), "l é"));
    let mut copy = json!({"op": "copy", "uri": from, "to": uri(SHARED, "t +"),
        "size": body.len(), "whole": 5 * MIB});
    let written = seen(&call(&client, copy.clone()).await);
    let (version, object) = store.get(SHARED, "t +", None).unwrap();
    assert!(object.etag.ends_with("-3"), "{}", object.etag);
    assert_eq!(
        (&written["etag"], &written["version_id"]),
        (&json!(object.etag), &json!(version.id))
    );
    assert_eq!((&object.body, &object.attributes), (&body, &attributes));
    assert_eq!(object.checksum.checksum_crc64nvme, crc, "of the whole object");
    let parts = operations(&app).into_iter().filter(|o| o == "UploadPartCopy").count();
    assert_eq!((parts, store.uploads()), (3, 0));
    copy["size"] = json!(body.len() + 1);
    assert_eq!(call(&client, copy.clone()).await.code().as_deref(), Some("conflict"));
    copy["size"] = json!(6 * MIB);
    copy["uri"] = json!(uri(&lab("alice"), "gone"));
    assert_eq!(call(&client, copy).await.code().as_deref(), Some("no_such_object"));
    assert_eq!(store.uploads(), 0);
}

#[tokio::test]
async fn a_copy_in_parts_that_fails_or_is_left_leaves_nothing() {
    let app = app().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "l", content(11 * MIB));
    let copy = json!({"op": "copy", "uri": uri(&lab("alice"), "l"), "to": uri(SHARED, "t"),
        "size": 11 * MIB, "whole": MIB});
    // HEAD, then CreateMultipartUpload pass; a part is refused.
    let pass =
        |calls| app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), calls);
    pass(2);
    app.world().faults().inject(Service::S3, Fault::ACCESS_DENIED, 1);
    let answer = call(&client, copy.clone()).await;
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"), "{}", answer.body);
    assert_eq!((app.world().store().uploads(), has(&app, SHARED, "t")), (0, false));
    assert!(operations(&app).contains(&"AbortMultipartUpload".to_owned()));
    // The caller goes while the upload begins (1), while parts are copied (2), while it is completed (5).
    for before in [1, 2, 5] {
        app.world().faults().clear();
        app.world().journal().clear();
        pass(before);
        let slow = Fault::Delay(Duration::from_millis(700));
        app.world().faults().inject(Service::S3, slow, if before == 2 { 3 } else { 1 });
        let left = tokio::time::timeout(Duration::from_millis(400), call(&client, copy.clone()));
        assert!(left.await.is_err(), "{before}");
        tokio::time::sleep(Duration::from_millis(900)).await;
        none_left(&app).await;
        let said = operations(&app);
        assert!(said.contains(&"AbortMultipartUpload".to_owned()), "{before}: {said:?}");
        assert!(!has(&app, SHARED, "t"), "{before}");
    }
    app.world().faults().clear();
    assert!(call(&client, copy).await.is_ok());
}

#[tokio::test]
async fn a_copy_goes_to_the_region_of_its_target() {
    let app = app().await;
    let store = app.world().store();
    let client = app.client("alice");
    store.set_region(&lab("alice"), "eu-central-1");
    app.put(&lab("alice"), "s", content(6 * MIB));
    for (target, region) in [(SHARED, "us-east-1"), (lab("alice").as_str(), "eu-central-1")] {
        for whole in [8 * MIB, 0] {
            app.world().journal().clear();
            let copy = json!({"op": "copy", "uri": uri(&lab("alice"), "s"),
                "to": uri(target, "t"), "size": 6 * MIB, "whole": whole});
            assert!(call(&client, copy).await.is_ok());
            let copies = app.s3_calls().into_iter().filter(|c| c.operation.contains("Copy"));
            let regions: Vec<_> = copies.map(|c| c.detail["SigningRegion"].clone()).collect();
            assert!(!regions.is_empty() && regions.iter().all(|r| r == region), "{regions:?}");
        }
    }
}
