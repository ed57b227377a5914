//! The listener and the edge in front of the protocol.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use super::table as var;
use super::web;
use crate::domain::Toolset;

/// The listener and the edge in front of the protocol.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where the server listens.
    pub addr: SocketAddr,
    /// Values of `Host` that are answered: `host` (with any port) or `host:port`, in lower case.
    pub allowed_hosts: Vec<String>,
    /// Web origins whose pages may call, exactly as a browser sends them.
    pub allowed_origins: Vec<String>,
    /// The key of signed session ids; absent means that it is derived or random.
    pub session_secret: Option<SecretString>,
    /// Whether tools that change anything are switched off.
    pub read_only: bool,
    /// The families of tools that are offered; never empty.
    pub toolsets: BTreeSet<Toolset>,
    /// How long a signed download link may live, in seconds.
    pub link_max_secs: u64,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many requests may run at the same time.
    pub max_concurrency: usize,
    /// Calls that one user may have running.
    pub user_concurrency: usize,
    /// Calls that one user may start a minute, if that is limited.
    pub user_calls_per_minute: Option<NonZeroU32>,
    /// How long an answer may take until it becomes a stream.
    pub stream_after: Duration,
    /// Bytes of manifests that are kept in memory.
    pub package_cache_bytes: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// After SIGTERM connections are accepted for so long.
    pub drain_delay: Duration,
    /// How long running requests may take after SIGTERM.
    pub drain: Duration,
}

impl ServerConfig {
    /// A problem, where there is one, keeps the address of nowhere from being used.
    pub(super) fn address(reader: &mut Reader) -> SocketAddr {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        reader.parsed(var::ADDR, web::address).unwrap_or(nowhere)
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            addr: Self::address(reader),
            allowed_hosts: reader.list(var::ALLOWED_HOSTS, web::host).unwrap_or_default(),
            allowed_origins: reader.list(var::ALLOWED_ORIGINS, web::origin).unwrap_or_default(),
            session_secret: reader.key(var::SESSION_SECRET),
            read_only: reader.flag(var::READ_ONLY),
            toolsets: reader
                .list(var::TOOLSETS, toolset)
                .map(|listed| listed.into_iter().collect())
                .unwrap_or_default(),
            link_max_secs: reader.number(var::LINK_MAX_SECONDS, 1..=43_200).unwrap_or_default(),
            max_body_bytes: size(reader.number(var::MAX_BODY_BYTES, 1024..=268_435_456)),
            max_concurrency: size(reader.number(var::MAX_CONCURRENCY, 1..=65_536)),
            user_concurrency: size(reader.number(var::USER_CONCURRENCY, 1..=65_536)),
            user_calls_per_minute: reader
                .number(var::USER_CALLS_PER_MINUTE, 1..=1_000_000)
                .and_then(|n| NonZeroU32::new(u32::try_from(n).ok()?)),
            stream_after: seconds(reader.number(var::STREAM_AFTER_SECONDS, 1..=50)),
            package_cache_bytes: size(reader.number(var::PACKAGE_CACHE_MIB, 16..=65_536)) << 20,
            max_connections: size(reader.number(var::MAX_CONNECTIONS, 1..=65_536)),
            drain_delay: seconds(reader.number(var::DRAIN_DELAY_SECONDS, 0..=300)),
            drain: seconds(reader.number(var::DRAIN_SECONDS, 0..=300)),
        }
    }
}

fn toolset(name: &str) -> Result<Toolset, String> {
    Toolset::parse(name).ok_or_else(|| {
        let allowed: Vec<_> = Toolset::ALL.iter().map(|toolset| toolset.name()).collect();
        format!("is not a toolset; the toolsets are: {}", allowed.join(", "))
    })
}

fn seconds(number: Option<u64>) -> Duration {
    Duration::from_secs(number.unwrap_or_default())
}

/// The ranges above fit a `usize` on every machine that this server is built for.
fn size(number: Option<u64>) -> usize {
    number.and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}
