//! A caller's credentials, as clients that sign with them. The only place that makes clients for users.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, SharedHttpClient, retry::RetryConfig,
};
use aws_smithy_async::{rt::sleep::TokioSleep, time::SystemTimeSource};
use jiff::Timestamp;

use super::{bounded::Bounded, clients::Settings, credentials::Source, rejected::Rejected};

/// A caller's credentials, as clients that sign with them: S3's one per region in use.
pub struct Keys {
    s3: aws_sdk_s3::config::Builder,
    athena: aws_sdk_athena::config::Builder,
    sts: aws_sdk_sts::config::Builder,
    /// Where these credentials' owner works.
    home: String,
    /// When the credentials end; `None` where their origin does not say.
    ends: Option<Timestamp>,
    clients: Mutex<BTreeMap<String, aws_sdk_s3::Client>>,
    athena_client: OnceLock<aws_sdk_athena::Client>,
}

/// Regions per set of credentials: those of a role are for one bucket, others for a few.
const MAX_REGIONS: usize = 16;

impl Keys {
    /// Nothing is asked yet. `rejected` hears when AWS turns the credentials down.
    pub(super) fn new(
        settings: &Settings,
        http: &SharedHttpClient,
        credentials: Credentials,
        source: &Source,
        ends: Option<Timestamp>,
        rejected: &Rejected,
    ) -> Self {
        let home = source.region().unwrap_or(&settings.region).to_owned();
        let mut s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .force_path_style(settings.s3_path_style)
            .http_client(http.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(settings.timeouts.clone())
            .interceptor(rejected.clone());
        s3.set_endpoint_url(settings.s3_endpoint.clone());
        let mut athena = aws_sdk_athena::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .region(Region::new(home.clone()))
            .http_client(http.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(settings.timeouts.clone())
            .interceptor(Bounded)
            .retry_classifier(Bounded)
            .interceptor(rejected.clone());
        athena.set_endpoint_url(settings.athena_endpoint.clone());
        let sts = sts(settings, http, credentials, &home, rejected);
        let (clients, athena_client) = (Mutex::default(), OnceLock::new());
        Self { s3, athena, sts, home, ends, clients, athena_client }
    }

    /// The client for Athena, in the region where the credentials' owner works.
    pub(super) fn athena(&self) -> aws_sdk_athena::Client {
        let client = || aws_sdk_athena::Client::from_conf(self.athena.clone().build());
        self.athena_client.get_or_init(client).clone()
    }

    /// The client for STS, which only says whose credentials these are.
    pub(super) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::from_conf(self.sts.clone().build())
    }

    /// The client for a region. A custom endpoint stays; then only the signature differs.
    pub(super) fn client(&self, region: &str) -> aws_sdk_s3::Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(region) {
            return client.clone();
        }
        let config = self.s3.clone().region(Region::new(region.to_owned()));
        let client = aws_sdk_s3::Client::from_conf(config.build());
        if clients.len() >= MAX_REGIONS {
            clients.clear();
        }
        clients.insert(region.to_owned(), client.clone());
        client
    }

    /// The region in which a bucket is looked for first.
    pub(super) fn home(&self) -> &str {
        &self.home
    }

    /// When the credentials end; `None` where their origin does not say.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.ends
    }
}

fn sts(
    settings: &Settings,
    http: &SharedHttpClient,
    credentials: Credentials,
    home: &str,
    rejected: &Rejected,
) -> aws_sdk_sts::config::Builder {
    let mut sts = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::no_cache())
        .region(Region::new(home.to_owned()))
        .http_client(http.clone())
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(settings.timeouts.clone())
        .interceptor(rejected.clone());
    sts.set_endpoint_url(settings.sts_endpoint.clone());
    sts
}
