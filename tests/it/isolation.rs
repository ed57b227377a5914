//! Many users at once: nobody ever sees another's answer.

use std::{sync::Arc, time::Duration};

use quilt_mcp_server::demo::client::Client;
use serde_json::json;

use crate::support::{TestApp, lab, names};

/// A small deterministic generator, so that a failure can be run again.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct User {
    subject: String,
    bucket: String,
    foreign: String,
    client: Client,
    session: String,
    foreign_session: String,
}

/// Eight users, in two real roles, each with a subject, a bucket list and a session of his own.
async fn users(app: &TestApp) -> Vec<User> {
    let mut users = Vec::new();
    for n in 0..8 {
        let (name, other) = if n % 2 == 0 { ("alice", "bob") } else { ("bob", "alice") };
        let subject = format!("{name}-{n}");
        let token = app.token_with(name, |c| {
            c.insert("sub".into(), json!(subject));
            c.insert("id".into(), json!(subject));
            c.insert("buckets".into(), json!([lab(name)]));
            c.insert("b".into(), json!([lab(name)]));
        });
        let mut client = app.anonymous().with_token(token);
        client.initialize().await.unwrap();
        let session = client.session().unwrap().to_owned();
        users.push(User {
            subject,
            bucket: lab(name),
            foreign: lab(other),
            client,
            session,
            foreign_session: String::new(),
        });
    }
    for n in 0..8 {
        users[n].foreign_session = users[(n + 1) % 8].session.clone();
    }
    users
}

/// One random call; `Err` says what was wrong with the answer.
async fn one_call(user: &User, dice: &mut Dice) -> Result<(), String> {
    let client = match dice.roll(3) {
        0 => user.client.with_session(&user.foreign_session),
        1 => user.client.clone(),
        _ => user.client.with_session(&user.session),
    };
    let stolen = client.session() == Some(&user.foreign_session);
    let (tool, arguments) = match dice.roll(4) {
        0 => ("auth_status", json!({})),
        1 => ("bucket_list", json!({})),
        2 => ("bucket_objects_list", json!({"bucket": user.bucket, "max_keys": 2})),
        _ => ("bucket_objects_list", json!({"bucket": user.foreign})),
    };
    let call = client.call(tool, arguments.clone());
    let patience = match dice.roll(5) {
        // Some clients hang up in the middle.
        0 => Duration::from_micros(200 + dice.roll(3000)),
        _ => Duration::from_secs(60),
    };
    let Ok(answer) = tokio::time::timeout(patience, call).await else { return Ok(()) };
    let answer = answer.map_err(|e| e.to_string())?;
    let wrong =
        |why: &str| Err(format!("{} {tool} {arguments}: {why}: {}", user.subject, answer.body));
    if stolen {
        return if answer.status == 404 { Ok(()) } else { wrong("a stolen session was served") };
    }
    let seen = answer.structured();
    match tool {
        "auth_status" if seen["subject"] != user.subject.as_str() => wrong("another's identity"),
        "bucket_list" if names(seen, "/buckets") != [user.bucket.clone()] => {
            wrong("another's buckets")
        }
        "bucket_objects_list" if arguments["bucket"] == user.foreign.as_str() => {
            match answer.code().as_deref() {
                Some("bucket_not_granted") => Ok(()),
                _ => wrong("a foreign bucket was not refused"),
            }
        }
        "bucket_objects_list" if seen["bucket"] != user.bucket.as_str() || !answer.is_ok() => {
            wrong("not his own bucket")
        }
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_users_shared_sessions_random_aborts_no_wrong_answer() {
    let app = TestApp::with(&[("QUILT_MCP_MAX_CONCURRENCY", "4096")]).await;
    let users = Arc::new(users(&app).await);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32_u64 {
        let users = users.clone();
        tasks.spawn(async move {
            let mut dice = Dice(task + 1);
            let mut wrong = Vec::new();
            for _ in 0..40 {
                let user = &users[usize::try_from(dice.roll(8)).unwrap()];
                wrong.extend(one_call(user, &mut dice).await.err());
            }
            wrong
        });
    }
    let wrong: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(wrong, Vec::<String>::new());
    // The judge outside: S3 never saw a successful call on a bucket that is not the principal's.
    for call in app.s3_calls().iter().filter(|c| c.succeeded()) {
        let owner = call.principal.clone().unwrap_or_default();
        let bucket = call.bucket.clone().unwrap_or_default();
        let own = if owner.contains("/alice-") { lab("alice") } else { lab("bob") };
        assert_eq!(bucket, own, "{owner}");
    }
}
