//! The server's own AWS identity (the task role), for exactly two calls: `ssm:GetParameter` for
//! the token secret and `sts:AssumeRole` for a user's role.
//!
//! This is the only file that may reach the default credential chain (environment, profile, ECS,
//! IMDS). It hands out no client that has this identity, so it can never sign a request for a
//! user's data (threat T36).

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sts::{
    error::ProvideErrorMetadata, operation::assume_role::builders::AssumeRoleFluentBuilder,
    types::Tag,
};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::{
    http::SharedHttpClient, orchestrator::HttpResponse, result::SdkError,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    aws::{AssumeRole, RoleRequest, clients, credentials::role_session_name, failure},
    config::{Config, StsIdentity},
    error::{Code, ToolError},
};

/// The server's own identity.
pub struct Ambient {
    http: SharedHttpClient,
    sts: aws_sdk_sts::Client,
    ssm: aws_sdk_ssm::Client,
    external_id: Option<SecretString>,
    identity: StsIdentity,
}

/// The parameter store gave no secret.
#[derive(Debug, thiserror::Error)]
#[error("SSM parameter {name} could not be read: {why}")]
pub struct SecretUnavailable {
    name: String,
    why: String,
}

/// An HTTP client for AWS: rustls on aws-lc. A server makes one, so that there is one pool of
/// connections.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
        // Every bucket is a host of its own, and an idle connection an open file.
        .pool_max_idle_per_host(8)
        .pool_idle_timeout(Duration::from_secs(10))
        .build_https()
}

/// The time limits of calls to AWS, whoever signs them.
pub fn timeouts(config: &Config) -> TimeoutConfig {
    let limits = config.aws.timeouts;
    clients::timeouts(limits.connect, limits.attempt, limits.operation)
}

impl Ambient {
    /// The identity that the default chain finds: environment, profile, ECS task role, IMDS.
    pub async fn from_chain(config: &Config, http: SharedHttpClient) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where it is allowed")]
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(Region::new(config.aws.region.clone()))
            .timeout_config(timeouts(config));
        Self::new(config, &loader.load().await, http)
    }

    /// A given identity, for the demo and for tests; nothing else is consulted.
    pub fn with_credentials(
        config: &Config,
        http: SharedHttpClient,
        credentials: Credentials,
    ) -> Self {
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(Region::new(config.aws.region.clone()))
            .timeout_config(timeouts(config))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Self::new(config, &shared, http)
    }

    fn new(config: &Config, shared: &SdkConfig, http: SharedHttpClient) -> Self {
        let endpoint = |url: &Option<url::Url>| url.as_ref().map(url::Url::to_string);
        let mut sts = aws_sdk_sts::config::Builder::from(shared);
        sts.set_endpoint_url(endpoint(&config.aws.sts_endpoint));
        let mut ssm = aws_sdk_ssm::config::Builder::from(shared);
        ssm.set_endpoint_url(endpoint(&config.aws.ssm_endpoint));
        Self {
            http,
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            ssm: aws_sdk_ssm::Client::from_conf(ssm.build()),
            external_id: config.credentials.external_id.clone(),
            identity: config.credentials.sts_identity,
        }
    }

    /// The connections that it uses, which know no identity: for the users' clients too.
    pub fn http(&self) -> SharedHttpClient {
        self.http.clone()
    }

    /// `ssm:GetParameter` with decryption.
    ///
    /// # Errors
    /// Names the parameter and what AWS said, never a value.
    pub async fn secret(&self, name: &str) -> Result<SecretString, SecretUnavailable> {
        let unavailable = |why: &str| SecretUnavailable { name: name.into(), why: why.into() };
        let answer = self.ssm.get_parameter().name(name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| {
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
            match (code, status(&error)) {
                (Some(code), _) => unavailable(code),
                // What stands between us and SSM may refuse in words of its own.
                (None, Some(status)) => unavailable(&format!("SSM answered HTTP {status}")),
                (None, None) => {
                    unavailable("SSM could not be reached, or there is no AWS identity")
                }
            }
        })?;
        let value = answer.parameter.and_then(|p| p.value);
        value.map(SecretString::from).ok_or_else(|| unavailable("it has no value"))
    }

    async fn assume(&self, request: RoleRequest) -> Result<Credentials, ToolError> {
        let (role, subject) = (&request.role, &request.holder.subject);
        match self.request(&request).send().await {
            Ok(answer) => {
                tracing::info!(
                    event = "audit",
                    action = "assume_role",
                    outcome = "ok",
                    role = role.as_str(),
                    subject = &**subject,
                    "role assumed"
                );
                let keys = answer.credentials.map(to_sdk);
                keys.ok_or_else(|| not_assumed(Code::AwsUnavailable))
            }
            Err(error) => {
                let aws_code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                // What STS writes may repeat the request; where it was not reached, or there is no
                // identity to sign with, the cause is our own and needed.
                let cause = error.as_service_error().is_none().then(|| {
                    aws_smithy_types::error::display::DisplayErrorContext(&error).to_string()
                });
                tracing::warn!(
                    event = "audit",
                    action = "assume_role",
                    outcome = "failed",
                    role = role.as_str(),
                    subject = &**subject,
                    aws_code,
                    status = status(&error),
                    cause,
                    "role not assumed"
                );
                let refused = aws_code.map(|code| code == "AccessDenied");
                match refused.unwrap_or(status(&error) == Some(403)) {
                    true => Err(denied(role)),
                    false => Err(not_assumed(failure::code_of(&error))),
                }
            }
        }
    }

    fn request(&self, request: &RoleRequest) -> AssumeRoleFluentBuilder {
        let subject = role_session_name(&request.holder.subject);
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(900);
        let mut call = self
            .sts
            .assume_role()
            .role_arn(request.role.as_str())
            .role_session_name(&subject)
            .duration_seconds(seconds)
            .set_policy(request.policy.clone())
            .set_external_id(self.external_id.as_ref().map(|id| id.expose_secret().to_owned()));
        if self.identity.source_identity() {
            call = call.source_identity(&subject);
        }
        if self.identity.tags() {
            call = call.set_tags(Some(tags(&request.holder)));
        }
        call
    }
}

fn tags(holder: &crate::aws::Holder) -> Vec<Tag> {
    // Tag values know letters, digits, spaces and `_.:/=+-@`.
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c);
    let jwt_id = holder.jwt_id.as_deref().unwrap_or_default();
    let jwt_id = jwt_id.chars().take(256).map(|c| if fits(c) { c } else { '_' }).collect();
    [("sub", role_session_name(&holder.subject)), ("jti", jwt_id)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}

fn to_sdk(keys: aws_sdk_sts::types::Credentials) -> Credentials {
    let expires = std::time::SystemTime::try_from(keys.expiration).ok();
    Credentials::new(
        keys.access_key_id,
        keys.secret_access_key,
        Some(keys.session_token),
        expires,
        "assumed-role",
    )
}

fn denied(role: &crate::domain::RoleArn) -> ToolError {
    ToolError::new(
        Code::RoleDenied,
        format!("The role {role} could not be assumed"),
        "STS refused: the role's trust policy, its external id, or the server's own policy does \
         not allow it.",
        "The operator must let the server's task role assume this role: in the role's trust \
         policy (principal, external id, and sts:SetSourceIdentity / sts:TagSession where \
         QUILT_MCP_STS_IDENTITY is on) and in the task role's own policy.",
    )
}

/// No refusal: STS asks for patience, is late, or failed.
fn not_assumed(code: Code) -> ToolError {
    let (code, why, what_to_do) = match code {
        Code::AwsThrottled => {
            (code, "STS asks to slow down.", "Wait a few seconds and call again.")
        }
        Code::Timeout => (code, "STS did not answer in time.", "Call again in a while."),
        _ => (
            Code::AwsUnavailable,
            "STS failed or could not be reached, or the server has no AWS identity of its own.",
            "Call again in a while; the server's log names the cause.",
        ),
    };
    ToolError::new(code, "The caller's role could not be assumed", why, what_to_do)
}

/// The HTTP status, where there was an answer.
fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

impl AssumeRole for Ambient {
    fn assume_role(&self, request: RoleRequest) -> BoxFuture<'_, Result<Credentials, ToolError>> {
        self.assume(request).boxed()
    }
}
