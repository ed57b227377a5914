//! The server as an operator starts it, beside the stand-ins.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use quilt_mcp_server::demo::{User, World, client::Client, running};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Result,
    figures::{Measured, Watch},
};

/// A `serve` process and a user's client. It is killed when it is dropped.
pub struct Served {
    child: Child,
    client: Client,
}

impl Served {
    /// Starts one that knows nobody yet.
    pub async fn start(world: &World, user: &User) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_quilt-mcp-server"));
        let task_role = world.task_role();
        command
            .env_clear()
            .arg("serve")
            .envs(running::variables(world, port))
            .env("AWS_ACCESS_KEY_ID", &task_role.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &task_role.secret_access_key)
            .stdout(Stdio::null());
        let client = Client::new(format!("http://127.0.0.1:{port}/mcp"));
        let client = client.with_token(user.catalog_token.clone());
        let served = Self { child: command.spawn()?, client };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                return Err("the server does not start".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(served)
    }

    /// Calls a tool; what it answered, as the result.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Measured> {
        let watch = Watch::start(&self.child.id().to_string())?;
        let answer = self.client.call(tool, arguments).await?;
        let took = watch.stop()?;
        match answer.is_ok() {
            true => Ok(Measured { took, result: answer.structured().clone() }),
            false => Err(format!("{tool}: {}", answer.body).into()),
        }
    }

    /// A page of a package.
    pub async fn browse(&self, package: &Value, next: &Value) -> Result<Measured> {
        let mut arguments = package.clone();
        if let (Some(arguments), Value::String(_)) = (arguments.as_object_mut(), next) {
            arguments.insert("next".to_owned(), next.clone());
        }
        self.call("package_browse", arguments).await
    }
}

/// What a page is compared by: how many entries the package has, and the page's first and last.
pub fn ends(page: Measured) -> Measured {
    let entries = page.result.get("entries").and_then(Value::as_array);
    let key = |entry: Option<&Value>| entry.and_then(|entry| entry.get("logical_key")).cloned();
    let (first, last) = (entries.and_then(|e| e.first()), entries.and_then(|e| e.last()));
    let total = page.result.get("total_entries");
    Measured { result: json!({"entries": total, "ends": [key(first), key(last)]}), ..page }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
