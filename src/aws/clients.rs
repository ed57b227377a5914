//! The cache of AWS clients: one per caller, source and permit; loaded once, however many ask.

use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{SharedHttpClient, timeout::TimeoutConfig};
use jiff::Timestamp;
use moka::{future::Cache, ops::compute::Op};

use super::{
    credentials::{
        AssumeRole, Holder, KeysDigest, Source, StaticCredentials, renewal, role_request,
    },
    keys::Keys,
    regions::Regions,
    rejected::Rejected,
};
use crate::{
    domain::{Permit, RoleArn},
    error::{Code, ToolError},
    turns::{Turn, Turns, User},
};

/// Where AWS is. Everything comes from our own configuration: these clients read no environment,
/// no profile and no metadata service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of every client, unless the credentials name one.
    pub region: String,
    /// `AWS_ENDPOINT_URL_S3`; `None` is AWS itself.
    pub s3_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_STS`; `None` is AWS itself.
    pub sts_endpoint: Option<String>,
    /// `http://host/bucket/key` instead of `http://bucket.host/key`.
    pub s3_path_style: bool,
    /// `AWS_ENDPOINT_URL_ATHENA`; `None` is AWS itself.
    pub athena_endpoint: Option<String>,
    /// Of one call: see [`timeouts`].
    pub timeouts: TimeoutConfig,
}

/// Makes and keeps the callers' clients.
pub struct Clients {
    settings: Settings,
    http: SharedHttpClient,
    sts: Arc<dyn AssumeRole>,
    kept: Cache<Key, Kept>,
    slots: Turns,
    copies: Turns,
    /// Where buckets are. It holds no authority, so all callers share it.
    pub(super) regions: Regions,
}

/// Two requests share a client only if all of this is equal.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    realm: Arc<str>,
    subject: Arc<str>,
    keys: KeySource,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum KeySource {
    /// `policy` is `None` where nothing narrows the role.
    Role {
        role: RoleArn,
        policy: Option<String>,
        jwt_id: Option<Arc<str>>,
    },
    Static(KeysDigest),
}

#[derive(Clone)]
enum Kept {
    Keys {
        keys: Arc<Keys>,
        until: Timestamp,
        rejected: Rejected,
    },
    /// A refusal is remembered for a while, so that a client in a loop does not hammer STS.
    Denied {
        error: ToolError,
        until: Timestamp,
    },
}

/// At most so many callers' clients are kept; each is a few tens of kilobytes.
const MAX_CLIENTS: u64 = 4_096;
/// Calls to S3 under way at the same time, of all callers together.
const MAX_CALLS: usize = 512;
/// And of one user's.
const MAX_CALLS_OF_ONE: usize = 192;
/// Copies among them: S3 takes minutes for gigabytes.
const MAX_COPIES: usize = 128;
const MAX_COPIES_OF_ONE: usize = 48;
/// How long a call waits for its turn among them.
const TURN: Duration = Duration::from_secs(10);
/// And for one among the copies.
const COPY_TURN: Duration = Duration::from_secs(600);
/// Bytes per second: S3 copies within a region at ten times this, between far ones at about this.
const SLOWEST: u64 = 8 * 1024 * 1024;
/// How long a token that was good when its call began is good for it still: the longest leeway.
const GRACE: Duration = Duration::from_secs(60);
/// How long a refusal by STS is remembered.
const DENIAL: Duration = Duration::from_secs(30);

/// A call that goes on for longer than its token.
fn token_over() -> ToolError {
    ToolError::new(
        Code::TokenExpired,
        "The token ended while the call was under way",
        "A call goes on for a minute at most after its token is over.",
        "Call again with a new token; what was written stays, and a push can be repeated.",
    )
}

impl Clients {
    /// An empty cache. `sts` is the only way to the server's own identity.
    pub fn new(settings: Settings, http: SharedHttpClient, sts: Arc<dyn AssumeRole>) -> Self {
        let kept = Cache::builder().max_capacity(MAX_CLIENTS).time_to_live(MAX_TTL).build();
        let slots = Turns::new(MAX_CALLS, MAX_CALLS_OF_ONE);
        let copies = Turns::new(MAX_COPIES, MAX_COPIES_OF_ONE);
        Self { settings, http, sts, kept, slots, copies, regions: Regions::default() }
    }

    /// A turn among the calls to S3, given back on drop.
    ///
    /// # Errors
    /// `aws_throttled` where the server is too busy for too long.
    pub(super) async fn turn(&self, user: &User) -> Result<Turn, ToolError> {
        let turn = self.slots.take(user, 1, TURN).await;
        turn.ok_or_else(|| {
            ToolError::new(
                Code::AwsThrottled,
                "S3 was not called",
                "This server has as many calls to S3 under way as it allows itself.",
                "Wait a few seconds and call again.",
            )
        })
    }

    /// How many keys with their clients there are.
    pub fn kept(&self) -> usize {
        usize::try_from(self.kept.entry_count()).unwrap_or(usize::MAX)
    }

    /// A turn among the copies of whole objects, which take minutes where these are large.
    ///
    /// # Errors
    /// `aws_throttled` where others' copies, or the caller's own, take too long.
    pub(super) async fn copying(&self, user: &User) -> Result<Turn, ToolError> {
        let turn = self.copies.take(user, 1, COPY_TURN).await;
        turn.ok_or_else(|| {
            ToolError::new(
                Code::AwsThrottled,
                "S3 was not asked to copy",
                "This server has as many copies under way as it allows itself.",
                "Call again later; what was copied already stays.",
            )
        })
    }

    /// The keys of this caller for this permit.
    ///
    /// # Errors
    /// `no_aws_credentials` where the source is none; `role_denied` where STS refused; transient
    /// codes where it could not be asked.
    pub async fn s3(
        &self,
        holder: &Holder,
        source: &Source,
        permit: &Permit,
        now: Timestamp,
    ) -> Result<Arc<Keys>, ToolError> {
        let policy = |partition: &str| Some(super::policy::session_policy(permit, partition));
        self.keys(holder, source, policy, now).await
    }

    /// The keys of this caller. `policy` makes the session policy that narrows a role, for its partition;
    /// `None` leaves it as wide as it is.
    ///
    /// # Errors
    /// As [`Clients::s3`].
    pub(super) async fn keys(
        &self,
        holder: &Holder,
        source: &Source,
        policy: impl Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Result<Arc<Keys>, ToolError> {
        if holder.expires_at.is_some_and(|at| now >= after(at, GRACE)) {
            return Err(token_over());
        }
        let key = Key {
            realm: holder.realm.clone(),
            subject: holder.subject.clone(),
            keys: match source {
                Source::Role(role) => KeySource::Role {
                    role: role.clone(),
                    policy: policy(role.partition()),
                    jwt_id: holder.jwt_id.clone(),
                },
                Source::Static(keys) => KeySource::Static(keys.digest()),
                Source::None { fix } => return Err(no_credentials(fix.clone())),
            },
        };
        if self.kept.get(&key).await.is_some_and(|kept| kept.is_over(now)) {
            // Asked again, because another caller may have loaded it meanwhile.
            let drop_it = async |found: Option<moka::Entry<Key, Kept>>| match found {
                Some(found) if found.value().is_over(now) => Op::Remove,
                _ => Op::Nop,
            };
            self.kept.entry(key.clone()).and_compute_with(drop_it).await;
        }
        let narrowed = match &key.keys {
            KeySource::Role { policy, .. } => policy.clone(),
            KeySource::Static(_) => None,
        };
        let load = self.load(holder, source, narrowed, now);
        match self.kept.try_get_with(key, load).await {
            Ok(Kept::Keys { keys, .. }) => Ok(keys),
            Ok(Kept::Denied { error, .. }) => Err(error),
            Err(error) => Err((*error).clone()),
        }
    }

    /// How long the body of an answer may take: the SDK's own limits end with its head.
    pub(super) fn body_time(&self) -> Option<Duration> {
        self.settings.timeouts.operation_timeout()
    }

    /// Time limits of a call that moves so many bytes before it answers, as a copy within S3 does: the
    /// ordinary ones, and what the bytes take at [`SLOWEST`].
    pub(super) fn patience(&self, bytes: u64) -> aws_sdk_s3::config::Builder {
        let more = Duration::from_secs(bytes / SLOWEST);
        let ordinary = &self.settings.timeouts;
        let longer = |limit: Option<Duration>| limit.map(|limit| limit.saturating_add(more));
        let mut timeouts = ordinary.to_builder();
        timeouts.set_operation_attempt_timeout(longer(ordinary.operation_attempt_timeout()));
        timeouts.set_operation_timeout(longer(ordinary.operation_timeout()));
        aws_sdk_s3::Config::builder().timeout_config(timeouts.build())
    }

    async fn load(
        &self,
        holder: &Holder,
        source: &Source,
        policy: Option<String>,
        now: Timestamp,
    ) -> Result<Kept, ToolError> {
        match source {
            Source::Role(role) => {
                match self.sts.assume_role(role_request(role, holder, policy, now)).await {
                    Ok(credentials) => Ok(self.keep(credentials, source, holder, now)),
                    Err(error) if error.code == Code::RoleDenied => {
                        Ok(Kept::Denied { error, until: after(now, DENIAL) })
                    }
                    Err(error) => Err(error),
                }
            }
            Source::Static(keys) => self.keep_static(keys, source, holder, now),
            Source::None { fix } => Err(no_credentials(fix.clone())),
        }
    }

    fn keep_static(
        &self,
        keys: &StaticCredentials,
        source: &Source,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<Kept, ToolError> {
        if keys.expires_at.is_some_and(|at| at <= now) {
            return Err(ToolError::new(
                Code::AwsCredentialsExpired,
                "The AWS credentials of this token are no longer valid",
                "They ended before the token did.",
                "Sign in to the catalog anew and call again with the fresh token.",
            ));
        }
        Ok(self.keep(keys.to_sdk(), source, holder, now))
    }

    fn keep(
        &self,
        credentials: Credentials,
        source: &Source,
        holder: &Holder,
        now: Timestamp,
    ) -> Kept {
        let ends = credentials.expiry().and_then(|t| Timestamp::try_from(t).ok());
        // A token that is over is within its grace: what was got for it is not asked for at each call.
        let token = holder.expires_at.filter(|at| *at > now);
        let over = [ends, token].into_iter().flatten().min();
        let until = over.map_or(Timestamp::MAX, |at| renewal(now, at)).min(after(now, MAX_TTL));
        let rejected = Rejected::default();
        let keys = Keys::new(&self.settings, &self.http, credentials, source, ends, &rejected);
        Kept::Keys { keys: Arc::new(keys), until, rejected }
    }
}

/// No client is kept longer, whatever its credentials say.
const MAX_TTL: Duration = Duration::from_secs(3600);

/// Time limits of one call: to connect, of an attempt, and in all.
pub fn timeouts(connect: Duration, attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(connect)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

fn no_credentials(fix: std::borrow::Cow<'static, str>) -> ToolError {
    ToolError::new(
        Code::NoAwsCredentials,
        "There are no AWS credentials for this token",
        "The server never uses its own identity for a user's data, and the token yields none.",
        fix,
    )
}

fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

impl Kept {
    /// Not to be used any more. Our own clock is asked on every look; the cache's timer only gives
    /// the memory back.
    fn is_over(&self, now: Timestamp) -> bool {
        match self {
            Kept::Keys { until, rejected, .. } => *until <= now || rejected.is_set(),
            Kept::Denied { until, .. } => *until <= now,
        }
    }
}
