//! The one way in which tests start a server.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use quilt_mcp_server::{
    demo::{
        Running, Settings, User, World,
        client::{Answer, Client},
        running,
    },
    domain::Standing,
    runtime::Clock,
    tool::Entry,
    tools,
};
use serde_json::{Value, json};

use crate::record;

/// A server in this process, with its own world and a clock that can be moved.
pub struct TestApp {
    pub running: Running,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings that win over the world's.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let over = settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Self::start_with(Settings { over, ..Settings::default() }).await
    }

    /// With tools of the test's own.
    pub async fn with_tools(tools: &'static [quilt_mcp_server::tool::Entry]) -> Self {
        Self::start_with(Settings { tools, ..Settings::default() }).await
    }

    /// With both.
    pub async fn with_tools_and(
        tools: &'static [quilt_mcp_server::tool::Entry],
        settings: &[(&str, &str)],
    ) -> Self {
        let over = settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Self::start_with(Settings { over, tools, ..Settings::default() }).await
    }

    /// With anything else that may differ.
    pub async fn start_with(settings: Settings) -> Self {
        record::start();
        settings.over.iter().for_each(|(name, value)| record::setting(name, value));
        let running = Running::start(0, settings, Clock::shifted()).await.unwrap();
        Self { running }
    }

    pub fn world(&self) -> &World {
        &self.running.world
    }

    pub fn user(&self, name: &str) -> &User {
        self.world().users().iter().find(|u| u.name == name).unwrap()
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.running.mcp_url())
    }

    /// A client with the user's enhanced token.
    pub fn client(&self, name: &str) -> Client {
        self.anonymous().with_token(self.token(name))
    }

    pub fn token(&self, name: &str) -> String {
        self.running.enhanced_token(self.user(name)).unwrap()
    }

    /// The user's enhanced claims, good for an hour, changed by `edit`, signed.
    pub fn token_with(
        &self,
        name: &str,
        edit: impl FnOnce(&mut serde_json::Map<String, Value>),
    ) -> String {
        let now = self.running.clock.now().as_second().unsigned_abs();
        let mut claims = self.world().enhanced_claims(self.user(name), now, 3600);
        edit(claims.as_object_mut().unwrap());
        self.running.sign(&claims).unwrap()
    }

    /// Puts an object straight into the world's store; the version's id.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<bytes::Bytes>) -> String {
        self.world().store().put(bucket, key, body, None).unwrap()
    }

    pub fn now(&self) -> i64 {
        self.running.clock.now().as_second()
    }

    pub fn advance(&self, seconds: u64) {
        self.running.clock.advance(Duration::from_secs(seconds));
    }

    /// Calls to S3 that the world saw, as (access key, operation, bucket).
    pub fn s3_calls(&self) -> Vec<quilt_mcp_server::demo::Call> {
        s3_calls(self.world())
    }
}

pub fn s3_calls(world: &World) -> Vec<quilt_mcp_server::demo::Call> {
    let calls = world.journal().calls();
    calls.into_iter().filter(|c| c.service == quilt_mcp_server::demo::Service::S3).collect()
}

pub fn sts_calls(world: &World) -> Vec<quilt_mcp_server::demo::Call> {
    let calls = world.journal().calls();
    calls.into_iter().filter(|c| c.service == quilt_mcp_server::demo::Service::Sts).collect()
}

/// The tools that a caller of this standing in the catalog is shown.
pub fn offered(standing: Standing) -> impl Iterator<Item = &'static Entry> {
    tools::ALL.iter().filter(move |entry| entry.catalog.standing() <= standing)
}

/// Names in `/result/tools`.
pub fn tool_names(answer: &Answer) -> Vec<String> {
    names(&answer.body, "/result/tools")
}

pub fn names(value: &Value, pointer: &str) -> Vec<String> {
    let list = value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|entry| entry["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The bucket that only this user has in the demo's world.
pub fn lab(name: &str) -> String {
    format!("quilt-{name}-lab")
}

pub fn list(bucket: &str) -> Value {
    json!({"bucket": bucket})
}

/// A `serve` process, as an operator starts it. Killed when dropped.
pub struct Serve {
    child: Child,
    pub url: String,
    /// What it printed so far.
    pub output: Arc<Mutex<String>>,
}

impl Serve {
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// What the operating system lets it do: a line of `/proc/<pid>/limits`.
    pub fn limit(&self, name: &str) -> String {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// The lines of its log with these members, once there are so many.
    pub async fn lines_with(&self, members: &Value, count: usize) -> Vec<Value> {
        let members = members.as_object().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = self.output.lock().unwrap().clone();
            let lines = text.lines().map(|line| serde_json::from_str(line).expect(line));
            let fits = |line: &Value| members.iter().all(|(name, value)| &line[name] == value);
            let found: Vec<Value> = lines.filter(fits).collect();
            if found.len() >= count {
                return found;
            }
            assert!(Instant::now() < deadline, "{members:?} {count} times in: {text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The exit code, once it has exited.
    pub async fn exit_code(mut self) -> Option<i32> {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The built binary, without any environment of ours.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quilt-mcp-server"));
    command.env_clear();
    command
}

/// Starts the built binary with exactly this environment, on a free port, and waits until it is
/// ready.
pub async fn serve(world: &World, extra: &[(&str, String)]) -> Serve {
    serve_by(binary(), world, extra).await
}

/// The same as a child of a shell that sets limits first: `-n 512`.
pub async fn serve_limited(limits: &str, world: &World, extra: &[(&str, String)]) -> Serve {
    let mut shell = Command::new("/bin/sh");
    let script = format!("ulimit {limits}; exec \"$0\" \"$@\"");
    shell.env_clear().args(["-c", &script, env!("CARGO_BIN_EXE_quilt-mcp-server")]);
    serve_by(shell, world, extra).await
}

async fn serve_by(mut command: Command, world: &World, extra: &[(&str, String)]) -> Serve {
    let port = free_port().await;
    command.arg("serve").envs(running::variables(world, port));
    record::world(world);
    extra.iter().for_each(|(name, value)| record::setting(name, value));
    let mut trace = record::output();
    if trace.is_some() {
        command.env("QUILT_MCP_LOG", "trace");
    }
    command.envs(extra.iter().map(|(n, v)| (*n, v.as_str())));
    let errors = record::output().map_or_else(Stdio::inherit, Stdio::from);
    let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
    let output = Arc::new(Mutex::new(String::new()));
    let (sink, stdout) = (output.clone(), child.stdout.take().unwrap());
    // A thread of its own keeps reading: a full pipe would stop the server.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(trace) = &mut trace {
                trace.write_all(format!("{line}\n").as_bytes()).unwrap();
            }
            let mut sink = sink.lock().unwrap();
            sink.push_str(&line);
            sink.push('\n');
        }
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    while !output.lock().unwrap().contains("serving MCP") {
        assert!(Instant::now() < deadline, "{}", output.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Serve { child, url: format!("http://127.0.0.1:{port}/mcp"), output }
}

pub async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// The key of the world's task role, as variables of the default credential chain.
pub fn task_role(world: &World) -> Vec<(&'static str, String)> {
    let keys = world.task_role();
    vec![
        ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
    ]
}

/// Session keys of a role, as somebody else would have put them into a token.
pub fn session_keys(world: &World, role_arn: &str) -> quilt_mcp_server::demo::SessionCredentials {
    world.iam().issue_session(role_arn, "elsewhere", None, Duration::from_secs(900)).unwrap()
}

/// An hour's enhanced token of one of a world's users, for a server that is a process of its own.
pub fn user_token(world: &World, name: &str) -> String {
    user_token_with(world, name, |_| {})
}

/// The same with other claims.
pub fn user_token_with(world: &World, name: &str, edit: impl FnOnce(&mut Value)) -> String {
    let user = world.users().iter().find(|u| u.name == name).unwrap();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let mut claims = world.enhanced_claims(user, now, 3600);
    edit(&mut claims);
    let secret = world.jwt_secret().to_owned().into();
    quilt_mcp_server::auth::mint(&claims, "frontend-enhanced", &secret).unwrap()
}
