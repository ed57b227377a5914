//! All stand-ins running together.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::athena::{self, Athena};
use super::faults::Faults;
use super::iam::{ACCOUNT, Iam, KeyPair, Role};
use super::journal::Journal;
use super::policy::Policy;
use super::registry::{self, Backing, Registry};
use super::roles::{self, Access, QuiltRole, User};
use super::store::{CAPACITY, Store};
use super::{random, s3, seed, server, sts};

/// Seconds that a catalog session token lives: 90 days.
const CATALOG_TOKEN_LIFETIME: i64 = 90 * 24 * 3600;

/// S3, STS, Athena, registry and catalog on loopback ports of their own, with two users. Dropping it stops
/// them: listeners close, calls left hanging are answered.
pub struct World {
    s3_url: String,
    sts_url: String,
    athena_url: String,
    registry_url: String,
    catalog_url: String,
    roles: Vec<QuiltRole>,
    users: Vec<User>,
    /// The `uuid` of each user's tokens, in the order of `users`.
    uuids: Vec<String>,
    task_role: KeyPair,
    jwt_secret: String,
    iam: Arc<Iam>,
    store: Arc<Store>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
    registry: Arc<Registry>,
    athena: Arc<Athena>,
    _stop: DropGuard,
}

impl World {
    /// Starts everything, with the sample data in its buckets. Needs a running tokio runtime.
    ///
    /// # Errors
    /// When the system gives no port or no randomness.
    pub async fn start() -> io::Result<Self> {
        Self::with_capacity(CAPACITY).await
    }

    /// The same with room for so many bytes of objects, as a measurement needs it.
    ///
    /// # Errors
    /// As [`World::start`].
    pub async fn with_capacity(bytes: u64) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let stopping = stop.clone().drop_guard();
        let (iam, store) = (Arc::new(Iam::default()), Arc::new(Store::with_capacity(bytes)));
        seed::plant(&store).map_err(io::Error::other)?;
        let roles = quilt_roles();
        for role in &roles {
            let policy = role.policy().map_err(io::Error::other)?;
            iam.put_role(Role { arn: role.arn.clone(), policy, external_id: None });
        }
        let registry = Arc::new(Registry::new(roles.clone())?);
        let (users, uuids) = enrol(&registry, &roles)?;
        let principal = format!("arn:aws:sts::{ACCOUNT}:assumed-role/QuiltMcpTask/ecs");
        let task_role = iam.issue_key(&principal, Policy::deny_all())?;
        let (journal, faults) = (Arc::new(Journal::default()), Arc::new(Faults::new(stop.clone())));

        let (s3_listener, s3_url) = server::bind().await?;
        let (sts_listener, sts_url) = server::bind().await?;
        let (registry_listener, registry_url) = server::bind().await?;
        let (catalog_listener, catalog_url) = server::bind().await?;
        let serve = |listener: TcpListener, router| server::serve(listener, router, stop.clone());
        let (i, s, j, f) =
            (Arc::clone(&iam), Arc::clone(&store), Arc::clone(&journal), Arc::clone(&faults));
        serve(s3_listener, s3::router(Arc::clone(&i), s, Arc::clone(&j), Arc::clone(&f)));
        serve(sts_listener, sts::router(i, j, f, task_role.access_key_id.clone()));
        let (athena, athena_url) =
            start_athena(&iam, &store, &journal, &faults, stop.clone()).await?;
        let backing = Backing {
            registry: Arc::clone(&registry),
            iam: Arc::clone(&iam),
            journal: Arc::clone(&journal),
            faults: Arc::clone(&faults),
            store: Arc::clone(&store),
            registry_url: registry_url.clone(),
            s3_url: s3_url.clone(),
        };
        serve(registry_listener, registry::router(backing.clone()));
        serve(catalog_listener, registry::catalog_router(backing));

        let jwt_secret = random::secret(48)?;
        Ok(Self {
            s3_url,
            sts_url,
            athena_url,
            registry_url,
            catalog_url,
            roles,
            users,
            uuids,
            task_role,
            jwt_secret,
            iam,
            store,
            journal,
            faults,
            registry,
            athena,
            _stop: stopping,
        })
    }

    /// Origin of the S3 stand-in, for path-style clients.
    #[must_use]
    pub fn s3_url(&self) -> &str {
        &self.s3_url
    }

    /// Origin of the STS stand-in.
    #[must_use]
    pub fn sts_url(&self) -> &str {
        &self.sts_url
    }

    /// Origin of the Athena stand-in.
    #[must_use]
    pub fn athena_url(&self) -> &str {
        &self.athena_url
    }

    /// Origin of the registry's API.
    #[must_use]
    pub fn registry_url(&self) -> &str {
        &self.registry_url
    }

    /// Origin of the catalog, whose `/config.json` names the registry. It is another port than the
    /// registry's, so that a server which takes one for the other fails.
    #[must_use]
    pub fn catalog_url(&self) -> &str {
        &self.catalog_url
    }

    /// Alice and Bob, in this order.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The identity that the MCP server itself has. It may assume the demo's roles; S3 refuses it
    /// everything.
    #[must_use]
    pub fn task_role(&self) -> &KeyPair {
        &self.task_role
    }

    /// `NAME=ARN,NAME=ARN`, for `QUILT_MCP_ROLE_MAP`.
    #[must_use]
    pub fn role_map(&self) -> String {
        let pairs: Vec<String> =
            self.roles.iter().map(|role| format!("{}={}", role.name, role.arn)).collect();
        pairs.join(",")
    }

    /// ARNs of every role there is.
    #[must_use]
    pub fn role_arns(&self) -> Vec<String> {
        self.roles.iter().map(|role| role.arn.clone()).collect()
    }

    /// The secret of enhanced tokens (HS256, `kid` `frontend-enhanced`), which the catalog's front
    /// end and the MCP server share. Drawn anew for every world.
    #[must_use]
    pub fn jwt_secret(&self) -> &str {
        &self.jwt_secret
    }

    /// Credentials and policies.
    #[must_use]
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// The objects.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The calls that reached the services.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Faults to order.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What Athena knows, and what tests may order of it.
    #[must_use]
    pub fn athena(&self) -> &Athena {
        &self.athena
    }

    /// The registry's memory: revoking tokens, switching roles.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The claims that the catalog's front end puts into an enhanced token for `user`; whoever
    /// holds [`World::jwt_secret`] signs them. `now_unix` and `lifetime_secs` are seconds.
    #[must_use]
    pub fn enhanced_claims(&self, user: &User, now_unix: u64, lifetime_secs: u64) -> Value {
        let place = self.users.iter().position(|known| known.subject == user.subject);
        let uuid = place.and_then(|at| self.uuids.get(at)).map(String::as_str);
        roles::enhanced_claims(user, uuid.unwrap_or_default(), now_unix, lifetime_secs)
    }

    /// A catalog session token of `user` that lives so many seconds from now; a negative number
    /// makes one that has expired.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn catalog_token(&self, user: &User, lifetime_secs: i64) -> io::Result<String> {
        let place = self.users.iter().position(|known| known.subject == user.subject);
        let uuid = place.and_then(|at| self.uuids.get(at)).map(String::as_str);
        self.registry.issue_token(&user.subject, uuid.unwrap_or_default(), lifetime_secs)
    }
}

/// Starts the Athena stand-in; what it knows, and its origin.
async fn start_athena(
    iam: &Arc<Iam>,
    store: &Arc<Store>,
    journal: &Arc<Journal>,
    faults: &Arc<Faults>,
    stop: CancellationToken,
) -> io::Result<(Arc<Athena>, String)> {
    let (listener, url) = server::bind().await?;
    let athena = Arc::new(Athena::default());
    let (a, i, s) = (Arc::clone(&athena), Arc::clone(iam), Arc::clone(store));
    let router = athena::router(a, i, s, Arc::clone(journal), Arc::clone(faults));
    server::serve(listener, router, stop);
    Ok((athena, url))
}

/// The roles of the two users, and one that both may switch to, which may not query.
fn quilt_roles() -> Vec<QuiltRole> {
    let shared = |access| ("quilt-shared", access);
    vec![
        QuiltRole::new(
            "ReadWriteQuilt-alice",
            "QuiltDemoAlice",
            &[("quilt-alice-lab", Access::Write), shared(Access::Write)],
        ),
        QuiltRole::new(
            "ReadWriteQuilt-bob",
            "QuiltDemoBob",
            &[("quilt-bob-lab", Access::Write), shared(Access::Read)],
        ),
        QuiltRole::new("ReadQuilt-shared", "QuiltDemoReader", &[shared(Access::Read)])
            .without_queries(),
    ]
}

fn enrol(registry: &Registry, roles: &[QuiltRole]) -> io::Result<(Vec<User>, Vec<String>)> {
    let (mut users, mut uuids) = (Vec::new(), Vec::new());
    for (name, role) in ["alice", "bob"].into_iter().zip(roles) {
        let (subject, uuid) = (format!("{name}-{}", random::uuid()?), random::uuid()?);
        let user = User {
            name: name.to_owned(),
            role_name: role.name.clone(),
            role_arn: role.arn.clone(),
            buckets: role.buckets.clone(),
            permissions: role.permissions(),
            catalog_token: registry.issue_token(&subject, &uuid, CATALOG_TOKEN_LIFETIME)?,
            api_key: format!("qk_{}", random::secret(32)?),
            subject,
        };
        registry.enrol(&user, &uuid);
        users.push(user);
        uuids.push(uuid);
    }
    Ok((users, uuids))
}
