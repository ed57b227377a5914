//! The ordinary server, through the ordinary `Config`, pointed at a [`World`].

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use secrecy::SecretString;
use serde::Serialize;
use tokio::{net::TcpListener, sync::oneshot};
use tokio_util::task::TaskTracker;

use super::{Access, User, World, witness};
use crate::{
    ambient::{Ambient, http_client},
    auth, boot,
    config::{Config, Timeouts},
    domain::Toolset,
    http::{
        gate::Gate,
        health::Draining,
        serve::{Limits, Stop, serve},
    },
    rotation::{Outcome, Rotation},
    runtime::Clock,
    tool::Entry,
    tools,
};

/// A server that serves a world. Dropping it stops both.
pub struct Running {
    /// The stand-ins.
    pub world: World,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The server's clock.
    pub clock: Clock,
    /// Whether the server has been told to stop.
    pub draining: Draining,
    gate: Arc<Gate>,
    rotation: Arc<Rotation>,
    stop: Option<oneshot::Sender<()>>,
}

/// What may differ from the ordinary server.
pub struct Settings {
    /// The world's own variables win over these (the user's environment).
    pub under: Vec<(String, String)>,
    /// These win over the world's (tests).
    pub over: Vec<(String, String)>,
    /// The catalogue's table; the demo's is the server's own.
    pub tools: &'static [Entry],
    /// Shorter than the server's, where a test waits for them.
    pub timeouts: Timeouts,
    /// The same for the registry.
    pub registry_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        let timeouts = Timeouts::default();
        Self {
            under: Vec::new(),
            over: Vec::new(),
            tools: tools::ALL,
            timeouts,
            registry_timeout: None,
        }
    }
}

/// Why the demo does not run.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The line that `demo --json` prints.
#[derive(Serialize)]
pub struct Announcement {
    mcp_url: String,
    catalog_url: String,
    registry_url: String,
    s3_url: String,
    sts_url: String,
    users: Vec<AnnouncedUser>,
}

#[derive(Serialize)]
struct AnnouncedUser {
    name: String,
    enhanced_token: String,
    catalog_token: String,
    buckets: BTreeMap<String, Access>,
}

/// How long the demo's tokens live.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The variables that point a server at this world; `serve` would read them from the environment.
pub fn variables(world: &World, port: u16) -> Vec<(String, String)> {
    let arns = world.role_arns().join(",");
    // All of them: a default server offers fewer.
    let toolsets: Vec<&str> = Toolset::ALL.iter().map(|toolset| toolset.name()).collect();
    [
        ("QUILT_MCP_ADDR", format!("127.0.0.1:{port}")),
        ("MCP_ENHANCED_JWT_SECRET", world.jwt_secret().to_owned()),
        ("MCP_ENHANCED_JWT_KID", "frontend-enhanced".to_owned()),
        ("QUILT_MCP_JWT_ISSUER", "quilt-frontend".to_owned()),
        ("QUILT_MCP_JWT_AUDIENCE", "quilt-mcp-server".to_owned()),
        ("QUILT_CATALOG_URL", world.catalog_url().to_owned()),
        ("QUILT_MCP_CATALOG_TOKENS", "true".to_owned()),
        ("QUILT_MCP_TOOLSETS", toolsets.join(",")),
        ("QUILT_MCP_ROLE_MAP", world.role_map()),
        ("QUILT_MCP_ALLOWED_ROLE_ARNS", arns),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL_S3", world.s3_url().to_owned()),
        ("AWS_ENDPOINT_URL_STS", world.sts_url().to_owned()),
        ("AWS_ENDPOINT_URL_ATHENA", world.athena_url().to_owned()),
        ("QUILT_MCP_ATHENA_WORKGROUPS", "quilt,primary,retired".to_owned()),
        ("QUILT_MCP_S3_PATH_STYLE", "true".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

impl Running {
    /// Starts a world and a server for it.
    ///
    /// # Errors
    /// What failed to start, in words.
    pub async fn start(port: u16, settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let world = World::start().await?;
        let mut vars: BTreeMap<String, String> = settings.under.into_iter().collect();
        vars.extend(variables(&world, port));
        vars.extend(settings.over);
        let (mut config, _) = Config::from_vars(vars)?;
        config.aws.timeouts = settings.timeouts;
        config.catalog.timeout = settings.registry_timeout.unwrap_or(config.catalog.timeout);
        Self::serve(world, &config, clock, settings.tools).await
    }

    async fn serve(
        world: World,
        config: &Config,
        clock: Clock,
        tools: &'static [Entry],
    ) -> Result<Self, StartError> {
        if !config.server.addr.ip().is_loopback() {
            return Err("the demo listens on loopback only".into());
        }
        let task_role = world.task_role();
        let identity = Credentials::new(
            &task_role.access_key_id,
            &task_role.secret_access_key,
            None,
            None,
            "demo task role",
        );
        let ambient = Ambient::with_credentials(config, http_client(), identity);
        let app = boot::build_with(config, ambient, clock.clone(), tools).await?;
        let listener = TcpListener::bind(config.server.addr).await.map_err(|error| {
            format!("port {} cannot be used: {error}", config.server.addr.port())
        })?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let draining = app.draining.clone();
        let limits = Limits {
            connections: config.server.max_connections,
            delay: config.server.drain_delay,
            drain: config.server.drain,
        };
        let router = app.router();
        let stop_when = async move {
            // A dropped sender stops too.
            let _told_or_dropped = stopped.await;
            Stop::Interrupt
        };
        tokio::spawn(serve(
            listener,
            router,
            draining.clone(),
            stop_when,
            limits,
            TaskTracker::new(),
        ));
        let (gate, rotation) = (app.gate, app.rotation);
        Ok(Self { world, address, clock, draining, gate, rotation, stop: Some(stop) })
    }

    /// How many authenticated callers the server keeps in its cache.
    pub fn remembered(&self) -> usize {
        self.gate.authenticator.cache.len()
    }

    /// Reads the keys of enhanced tokens again, as SIGHUP does.
    pub async fn refresh_keys(&self) -> Outcome {
        self.rotation.refresh().await
    }

    /// Where MCP is.
    pub fn mcp_url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// The enhanced token that the catalog's front end would mint for this user.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn enhanced_token(&self, user: &User) -> Result<String, StartError> {
        let now = self.clock.now().as_second().unsigned_abs();
        let claims = self.world.enhanced_claims(user, now, TOKEN_LIFETIME.as_secs());
        self.sign(&claims)
    }

    /// Signs any claims with the shared secret, as anybody with a browser could.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn sign(&self, claims: &serde_json::Value) -> Result<String, StartError> {
        let secret = SecretString::from(self.world.jwt_secret().to_owned());
        Ok(auth::mint(claims, "frontend-enhanced", &secret)
            .inspect(|token| witness::tell(token))?)
    }

    /// The announcement of `--json`.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn announcement(&self) -> Result<Announcement, StartError> {
        let announce = |user: &User| -> Result<AnnouncedUser, StartError> {
            Ok(AnnouncedUser {
                name: user.name.clone(),
                enhanced_token: self.enhanced_token(user)?,
                catalog_token: user.catalog_token.clone(),
                buckets: user.buckets.clone(),
            })
        };
        Ok(Announcement {
            mcp_url: self.mcp_url(),
            catalog_url: self.world.catalog_url().to_owned(),
            registry_url: self.world.registry_url().to_owned(),
            s3_url: self.world.s3_url().to_owned(),
            sts_url: self.world.sts_url().to_owned(),
            users: self.world.users().iter().map(announce).collect::<Result<_, _>>()?,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _already_stopped = stop.send(());
        }
    }
}
