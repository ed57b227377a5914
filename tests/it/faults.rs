//! What a network and AWS do to a call: slow, busy, expired, reset, half an answer. Each ends in a
//! stable code that says "again", in a log line, and in nothing else: the next call works.

use std::{
    io::Write,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use quilt_mcp_server::{
    config::Timeouts,
    demo::{
        Fault, Service, Settings, Torn, World,
        client::{Answer, Client},
    },
};
use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

use crate::support::{TestApp, binary, lab, list, serve, sts_calls, task_role};

/// More than any call may take.
const FOR_EVER: u32 = 1000;
const TEXT: &str = "Every word of it.\n";

/// The log of this test's thread, as JSON lines. A test's runtime has one thread, so the server's
/// tasks write here too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// With only one subscriber in the process, `tracing` asks the thread that comes to a log statement
/// first whether anybody listens, and keeps the answer for all: another test's thread says no. A
/// second subscriber makes it ask them all.
static SECOND: LazyLock<tracing::Dispatch> = LazyLock::new(|| {
    tracing::Dispatch::new(tracing_subscriber::registry().with(LevelFilter::INFO))
});

impl Log {
    /// How many lines have these members.
    fn count(&self, members: &Value) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let members = members.as_object().unwrap();
        lines.filter(|line| members.iter().all(|(name, value)| &line[name] == value)).count()
    }
}

/// A server that has room for one request: a slot that is not given back would show at once.
struct Stage {
    app: TestApp,
    alice: Client,
    log: Log,
    _logging: tracing::subscriber::DefaultGuard,
}

impl Stage {
    async fn new(timeouts: Timeouts) -> Self {
        LazyLock::force(&SECOND);
        let log = Log::default();
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(log.clone());
        let logging = tracing::subscriber::set_default(lines.finish());
        let over = vec![("QUILT_MCP_MAX_CONCURRENCY".to_owned(), "1".to_owned())];
        let app = TestApp::start_with(Settings { over, timeouts, ..Settings::default() }).await;
        app.put(&lab("alice"), "notes.txt", TEXT);
        let alice = app.client("alice");
        Self { app, alice, log, _logging: logging }
    }

    async fn list(&self) -> Answer {
        self.alice.call("bucket_objects_list", list(&lab("alice"))).await.unwrap()
    }

    async fn read(&self) -> Answer {
        let uri = format!("s3://{}/notes.txt", lab("alice"));
        self.alice.call("bucket_object_text", json!({"s3_uri": uri})).await.unwrap()
    }

    fn inject(&self, service: Service, fault: Fault, calls: u32) {
        self.app.world().faults().inject(service, fault, calls);
    }

    /// Calls that reached a service since the last look.
    fn attempts(&self, service: Service) -> usize {
        let journal = self.app.world().journal();
        let count = journal.count(|call| call.service == service);
        journal.clear();
        count
    }

    /// Asserts a tool's failure: the code, the words, the log line.
    fn failed(&self, answer: &Answer, tool: &str, code: &str) {
        assert_eq!((answer.status, answer.code().as_deref()), (200, Some(code)), "{}", answer.body);
        assert!(answer.body["result"]["isError"].as_bool().unwrap());
        let error = answer.structured();
        let to_do = error["what_to_do"].as_str().unwrap().to_lowercase();
        assert!(to_do.contains("call again"), "it may be tried again: {to_do}");
        assert!(error["request_id"].is_string() && error.get("text").is_none(), "{error}");
        let line = json!({"event": "tool", "tool": tool, "outcome": code});
        assert_eq!(self.log.count(&line), 1, "{line}");
        self.log.0.lock().unwrap().clear();
    }

    /// After a fault: everything is as before.
    async fn works(&self) {
        self.app.world().faults().clear();
        let answer = self.read().await;
        assert_eq!(answer.structured()["text"], TEXT, "{}", answer.body);
        let answer = self.list().await;
        assert!(answer.is_ok(), "{}", answer.body);
        self.app.world().journal().clear();
        self.log.0.lock().unwrap().clear();
    }
}

/// Faults before the body: the SDK tries three times, then the caller is told.
async fn once_and_for_ever(service: Service, fault: Fault, code: &str) {
    let stage = Stage::new(Timeouts::default()).await;
    stage.inject(service, fault, 1);
    let answer = stage.list().await;
    assert!(answer.is_ok(), "once is mended unseen: {}", answer.body);
    assert_eq!(stage.attempts(service), 2);
    stage.works().await;
    // Credentials of the role are kept for an hour.
    stage.app.advance(3700);
    let stage = Stage { alice: stage.app.client("alice"), ..stage };
    stage.inject(service, fault, FOR_EVER);
    let answer = stage.list().await;
    let line = match service {
        Service::Sts => json!({"event": "audit", "action": "assume_role", "outcome": "failed"}),
        _ => json!({"event": "aws", "code": code}),
    };
    assert_eq!(stage.log.count(&line), 1, "{line}");
    stage.failed(&answer, "bucket_objects_list", code);
    assert_eq!(stage.attempts(service), 3, "tried three times, no more");
    stage.works().await;
}

#[tokio::test]
async fn s3_that_asks_to_slow_down_is_asked_again_three_times_at_most() {
    once_and_for_ever(Service::S3, Fault::SLOW_DOWN, "aws_throttled").await;
}

#[tokio::test]
async fn s3_that_fails_is_asked_again_three_times_at_most() {
    once_and_for_ever(Service::S3, Fault::INTERNAL_ERROR, "aws_unavailable").await;
}

#[tokio::test]
async fn s3_that_resets_the_connection_is_asked_again_three_times_at_most() {
    once_and_for_ever(Service::S3, Fault::Torn(Torn::Reset), "aws_unavailable").await;
}

#[tokio::test]
async fn half_a_listing_is_no_listing() {
    once_and_for_ever(Service::S3, Fault::Torn(Torn::HalfThenClose), "aws_unavailable").await;
}

#[tokio::test]
async fn sts_that_asks_to_slow_down_is_asked_again_three_times_at_most() {
    once_and_for_ever(Service::Sts, Fault::THROTTLING, "aws_throttled").await;
}

#[tokio::test]
async fn sts_that_resets_the_connection_is_asked_again_three_times_at_most() {
    once_and_for_ever(Service::Sts, Fault::Torn(Torn::Reset), "aws_unavailable").await;
}

#[tokio::test]
async fn half_of_the_credentials_are_none() {
    once_and_for_ever(Service::Sts, Fault::Torn(Torn::HalfThenReset), "aws_unavailable").await;
}

#[tokio::test]
async fn half_a_text_is_never_passed_off_as_whole() {
    let stage = Stage::new(Timeouts::default()).await;
    for torn in [Torn::HalfThenClose, Torn::HalfThenReset] {
        stage.inject(Service::S3, Fault::Torn(torn), 1);
        let answer = stage.read().await;
        assert_eq!(
            stage.log.count(&json!({"event": "aws", "code": "aws_unavailable"})),
            1,
            "{torn:?}"
        );
        stage.failed(&answer, "bucket_object_text", "aws_unavailable");
        assert!(!answer.body.to_string().contains("Every"), "nothing of it: {}", answer.body);
        stage.works().await;
    }
}

/// Time limits for the tests of slowness; the server's own are ten times longer.
fn short() -> Timeouts {
    let millis = Duration::from_millis;
    Timeouts { connect: millis(800), attempt: millis(800), operation: millis(1800) }
}

#[test]
fn the_server_s_own_time_limits() {
    let Timeouts { connect, attempt, operation } = Timeouts::default();
    assert_eq!([connect, attempt, operation].map(|limit| limit.as_secs()), [2, 10, 30]);
}

#[tokio::test]
async fn an_attempt_that_is_too_slow_is_made_again() {
    for (service, slow) in [
        (Service::Sts, Fault::Hang),
        (Service::S3, Fault::Hang),
        (Service::S3, Fault::Delay(Duration::from_millis(1100))),
    ] {
        let stage = Stage::new(short()).await;
        stage.inject(service, slow, 1);
        let answer = stage.list().await;
        assert!(answer.is_ok(), "{service:?} {slow:?}: {}", answer.body);
        stage.works().await;
    }
}

#[tokio::test]
async fn what_never_answers_is_timeout() {
    for service in [Service::Sts, Service::S3] {
        let stage = Stage::new(short()).await;
        stage.inject(service, Fault::Hang, FOR_EVER);
        let started = Instant::now();
        let answer = stage.list().await;
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{service:?}: {took:?}");
        stage.failed(&answer, "bucket_objects_list", "timeout");
        let attempts = stage.attempts(service);
        assert!((1..=3).contains(&attempts), "{service:?}: {attempts} attempts");
        stage.works().await;
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_not_waited_for() {
    // Our own limit; and, where that is longer, what the SDK makes of a stalled stream after 5 s.
    for (limits, code) in [(short(), "timeout"), (Timeouts::default(), "aws_unavailable")] {
        let stage = Stage::new(limits).await;
        stage.inject(Service::S3, Fault::Torn(Torn::HalfThenSilence), 1);
        let started = Instant::now();
        let answer = stage.read().await;
        assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
        assert_eq!(stage.log.count(&json!({"event": "aws", "code": code})), 1);
        stage.failed(&answer, "bucket_object_text", code);
        stage.works().await;
    }
}

#[tokio::test]
async fn credentials_that_end_early_are_replaced_at_the_next_call() {
    let stage = Stage::new(Timeouts::default()).await;
    assert!(stage.list().await.is_ok());
    // Whoever administers IAM can end a role's sessions; nothing tells us but S3's refusal.
    assert!(stage.app.world().iam().expire_all_sessions() > 0);
    assert_eq!(stage.attempts(Service::Sts), 1);
    let answer = stage.list().await;
    assert_eq!(stage.log.count(&json!({"event": "aws", "aws_code": "ExpiredToken"})), 1);
    stage.failed(&answer, "bucket_objects_list", "aws_credentials_expired");
    assert_eq!(stage.attempts(Service::S3), 1, "no use in trying with the same keys");
    let answer = stage.list().await;
    assert!(answer.is_ok(), "the client with those keys is not used again: {}", answer.body);
    assert_eq!(sts_calls(stage.app.world()).len(), 1);
    assert!(stage.list().await.is_ok());
    assert_eq!(sts_calls(stage.app.world()).len(), 1, "and the new one is kept");
    stage.works().await;
}

#[tokio::test]
async fn one_caller_s_expired_credentials_are_nobody_else_s() {
    let stage = Stage::new(Timeouts::default()).await;
    let bob = stage.app.client("bob");
    assert!(bob.call("bucket_objects_list", list(&lab("bob"))).await.unwrap().is_ok());
    assert!(stage.list().await.is_ok());
    stage.app.world().journal().clear();
    stage.inject(Service::S3, Fault::EXPIRED_TOKEN, 1);
    stage.failed(&stage.list().await, "bucket_objects_list", "aws_credentials_expired");
    assert!(bob.call("bucket_objects_list", list(&lab("bob"))).await.unwrap().is_ok());
    assert_eq!(sts_calls(stage.app.world()).len(), 0, "bob's are as good as before");
    assert!(stage.list().await.is_ok());
    assert_eq!(sts_calls(stage.app.world()).len(), 1, "hers are new");
    stage.works().await;
}

/// An SSM that answers with these statuses, one after the other, then as it should; its URL, and how
/// often it was asked.
async fn parameter_store(secret: &str, statuses: Vec<u16>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, secret) = (asked.clone(), secret.to_owned());
    let answer = move || {
        let status = statuses.get(count.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(200);
        let parameter = json!({"Parameter": {"Name": "/quilt/secret", "Value": secret}});
        // What stands in between answers in no form that an AWS client knows.
        let body = if status == 200 { parameter.to_string() } else { "<html></html>".to_owned() };
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        async move { (status, [("content-type", "application/x-amz-json-1.1")], body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn a_parameter_store_that_fails_once_is_asked_again() {
    let world = World::start().await.unwrap();
    let (url, asked) = parameter_store(world.jwt_secret(), vec![503]).await;
    let mut environment = task_role(&world);
    environment.extend([
        ("MCP_ENHANCED_JWT_SECRET", String::new()),
        ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret".to_owned()),
        ("AWS_ENDPOINT_URL_SSM", url),
    ]);
    let _serving = serve(&world, &environment).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_store_that_refuses_or_fails_keeps_the_server_from_starting() {
    for (status, attempts) in [(403, 1), (503, 3)] {
        let (url, asked) = parameter_store("never told", vec![status; 9]).await;
        let output = binary()
            .arg("serve")
            .env("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret")
            .env("AWS_ENDPOINT_URL_SSM", url)
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for named in ["/quilt/secret", &format!("HTTP {status}")] {
            assert!(stderr.contains(named), "{stderr}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), attempts, "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_breaks_off_is_unavailable_and_the_token_is_not_to_blame() {
    let stage = Stage::new(Timeouts::default()).await;
    let token = stage.app.user("alice").catalog_token.clone();
    let client = stage.app.anonymous().with_token(token);
    let buckets = || client.call("bucket_list", json!({}));
    // The catalog's config.json first, which is found once.
    assert!(buckets().await.unwrap().is_ok());
    for torn in [Torn::Reset, Torn::HalfThenReset, Torn::HalfThenClose] {
        // The token is known, the tool asks.
        stage.inject(Service::Registry, Fault::Torn(torn), 2);
        assert!(buckets().await.unwrap().is_ok(), "a question is repeated: {torn:?}");
        stage.log.0.lock().unwrap().clear();
        stage.inject(Service::Registry, Fault::Torn(torn), 3);
        stage.failed(&buckets().await.unwrap(), "bucket_list", "catalog_unavailable");
        assert!(buckets().await.unwrap().is_ok(), "{torn:?}");
        // The token has to be asked for again, at the gate.
        stage.app.advance(600);
        stage.inject(Service::Registry, Fault::Torn(torn), 1);
        let answer = buckets().await.unwrap();
        let refusal = (answer.status, answer.code());
        assert_eq!(refusal, (503, Some("registry_unavailable".to_owned())), "{torn:?}");
        assert!(answer.header("retry-after").is_some());
        let line = json!({"event": "access", "refusal": "registry_unavailable"});
        assert_eq!(stage.log.count(&line), 1);
        stage.log.0.lock().unwrap().clear();
        assert!(buckets().await.unwrap().is_ok(), "{torn:?}");
        stage.log.0.lock().unwrap().clear();
    }
    stage.works().await;
}
