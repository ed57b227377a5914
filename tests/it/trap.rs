//! The trap (threat T36): every ambient credential source is baited, and no user's call bites.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::json;

use crate::support::{lab, list, s3_calls, serve, sts_calls, task_role, user_token_with};

/// A credential endpoint (IMDS or ECS) that counts who asks and hands out the same bad keys.
fn bait() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let _request = stream.read(&mut buffer);
            let body =
                json!({"AccessKeyId": "ASIABAIT", "SecretAccessKey": "bait", "Token": "bait",
                "Expiration": "2099-01-01T00:00:00Z"})
                .to_string();
            let _sent = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (url, asked)
}

/// A home folder with a profile that holds keys.
fn baited_home() -> std::path::PathBuf {
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("baited-home");
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    let keys = "[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = profile\n";
    std::fs::write(home.join(".aws/credentials"), keys).unwrap();
    home
}

#[tokio::test]
async fn no_ambient_key_ever_signs_a_call_to_s3() {
    let world = World::start().await.unwrap();
    let home = baited_home();
    let (imds, imds_asked) = bait();
    let (ecs, ecs_asked) = bait();
    let mut environment = task_role(&world);
    environment.extend([
        ("HOME", home.to_str().unwrap().to_owned()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{ecs}/creds")),
    ]);
    let server = serve(&world, &environment).await;
    let nobody = Client::new(&server.url);
    let no_role = user_token_with(&world, "alice", |c| {
        c["roles"] = json!([]);
        c["r"] = json!([]);
    });
    let unmapped = user_token_with(&world, "alice", |c| {
        c["roles"] = json!(["SomeOtherRole"]);
        c["r"] = json!(["SomeOtherRole"]);
    });
    let uri = format!("s3://{}/README.md", lab("alice"));
    for token in [no_role, unmapped] {
        let client = nobody.with_token(token);
        for (tool, arguments) in [
            ("bucket_objects_list", list(&lab("alice"))),
            ("bucket_object_text", json!({"s3_uri": uri})),
        ] {
            let answer = client.call(tool, arguments).await.unwrap();
            assert_eq!(answer.code().as_deref(), Some("no_aws_credentials"), "{}", answer.body);
        }
    }
    assert_eq!(s3_calls(&world).len(), 0, "no credentials, no call");
    let alice = world.users().iter().find(|u| u.name == "alice").unwrap();
    let role = user_token_with(&world, "alice", |_| {});
    for token in [role, alice.catalog_token.clone(), alice.api_key.clone()] {
        let client = nobody.with_token(token);
        let answer = client.call("bucket_object_text", json!({"s3_uri": uri})).await.unwrap();
        assert!(answer.is_ok(), "{}", answer.body);
        let foreign = client.call("bucket_objects_list", list(&lab("bob"))).await.unwrap();
        assert!(!foreign.is_ok());
    }
    let ambient = &world.task_role().access_key_id;
    let calls = s3_calls(&world);
    assert!(calls.len() >= 3);
    for call in &calls {
        let key = call.access_key_id.as_deref().expect("never an unsigned call");
        assert!(key.starts_with("ASIA") && key != "ASIABAIT", "{key} signed a call to S3");
        assert_ne!(key, ambient);
    }
    // The server's own identity did what it is for, and only that.
    let sts = sts_calls(&world);
    assert!(
        sts.iter()
            .all(|c| c.operation == "AssumeRole" && c.access_key_id.as_deref() == Some(ambient))
    );
    assert_eq!((imds_asked.load(Ordering::SeqCst), ecs_asked.load(Ordering::SeqCst)), (0, 0));
}
