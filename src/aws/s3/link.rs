//! Links that let whoever has them download one object, for a while.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use jiff::Timestamp;

use super::{S3, Via};
use crate::{
    domain::{Action, BucketName, Permit, S3Uri},
    error::{Code, ToolError},
};

/// A signed link. It is a secret for as long as it lives, so it has no `Debug`.
pub struct Link {
    /// `https://…`, with the signature in its query.
    pub url: String,
    /// How long it lives, and why not longer.
    pub lifetime: Lifetime,
}

/// How long links live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// At least 1.
    pub seconds: u64,
    /// When the last second is over.
    pub expires_at: Timestamp,
    /// What set it.
    pub bound: Bound,
    /// Whether the end of the credentials is known; where it is not, they may end earlier.
    pub credentials_known: bool,
}

/// What limits a link's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// What was asked for.
    Asked,
    /// The server's cap.
    Cap,
    /// The end of the AWS credentials that sign it.
    Credentials,
    /// The end of the caller's token.
    Token,
}

/// Signs links into one bucket.
pub struct Signer {
    via: Via,
    permit: Permit,
    config: PresigningConfig,
    /// Of every link it signs.
    pub lifetime: Lifetime,
}

impl S3 {
    /// A link to an object that exists. `asked` is in seconds.
    ///
    /// # Errors
    /// Denied by the token, no credentials, what AWS answered, or nothing left to live.
    pub async fn link(&self, uri: &S3Uri, asked: u64) -> Result<Link, ToolError> {
        // Says whether it exists and may be read, and settles the region, which is part of a link.
        let sent = self.head(uri).await?;
        let signer = self.signer(&uri.bucket, &sent.via, asked)?;
        Ok(Link { url: signer.url(uri).await?, lifetime: signer.lifetime })
    }

    /// What signs links into a bucket that has just answered. `asked` is in seconds.
    ///
    /// # Errors
    /// Denied by the token, or nothing left to live.
    pub fn signer(&self, bucket: &BucketName, via: &Via, asked: u64) -> Result<Signer, ToolError> {
        let permit = self.authority.require(Action::GetObject, bucket)?;
        let now = self.now();
        let ends = [(Bound::Credentials, via.ends), (Bound::Token, self.holder.expires_at)];
        let lifetime = lifetime(now, asked, self.link_max_secs, ends)?;
        let config = PresigningConfig::builder()
            .start_time(SystemTime::from(now))
            .expires_in(Duration::from_secs(lifetime.seconds))
            .build()
            .map_err(|_| ToolError::internal("a link's lifetime was not accepted"))?;
        Ok(Signer { via: via.clone(), permit, config, lifetime })
    }
}

impl Signer {
    /// Signs one link, without a call to S3.
    ///
    /// # Errors
    /// A fault of ours; or a key whose link no client would follow to the right place.
    pub async fn url(&self, uri: &S3Uri) -> Result<String, ToolError> {
        if uri.has_dot_segments() {
            return Err(ToolError::invalid_arguments(
                "the key has '.' or '..' between slashes, which browsers and most HTTP clients take \
                 out of a URL, so that its signature would not hold; read it with \
                 bucket_object_fetch",
            ));
        }
        let signed = self
            .via
            .client
            .get_object()
            // The permit's bucket, whatever the URI says: it was authorised.
            .bucket(self.permit.bucket().as_str())
            .key(&uri.key)
            .set_version_id(uri.version_id.clone())
            .presigned(self.config.clone())
            .await
            .map_err(|_| ToolError::internal("a link could not be signed"))?;
        // A link that needs a header as well would not work in a browser.
        if signed.headers().any(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            return Err(ToolError::internal("a link would need headers"));
        }
        Ok(signed.uri().to_owned())
    }
}

/// min(asked, cap, what else ends), in whole seconds.
fn lifetime(
    now: Timestamp,
    asked: u64,
    cap: u64,
    ends: [(Bound, Option<Timestamp>); 2],
) -> Result<Lifetime, ToolError> {
    let left = |at: Timestamp| u64::try_from(at.as_second() - now.as_second()).unwrap_or(0);
    let ending = ends.into_iter().filter_map(|(bound, at)| Some((left(at?), bound)));
    // On a tie the earlier in this order is named.
    let all = [(asked, Bound::Asked), (cap, Bound::Cap)].into_iter().chain(ending);
    let (seconds, bound) = all.min_by_key(|(seconds, _)| *seconds).unwrap_or((0, Bound::Asked));
    if seconds == 0 {
        return Err(nothing_left(bound));
    }
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let span = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let expires_at = whole.checked_add(span).unwrap_or(Timestamp::MAX);
    let credentials_known = ends.iter().any(|(b, at)| *b == Bound::Credentials && at.is_some());
    Ok(Lifetime { seconds, expires_at, bound, credentials_known })
}

fn nothing_left(bound: Bound) -> ToolError {
    let (code, why) = match bound {
        Bound::Credentials => (
            Code::AwsCredentialsExpired,
            "The AWS credentials that would sign it are at their end.",
        ),
        _ => (Code::TokenExpired, "The token is at its end, and no link outlives it."),
    };
    ToolError::new(code, "No link was made", why, "Sign in to the catalog anew and call again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn of(asked: u64, cap: u64, credentials: Option<i64>, token: Option<i64>) -> Lifetime {
        let ends = [(Bound::Credentials, credentials.map(at)), (Bound::Token, token.map(at))];
        lifetime(at(1000), asked, cap, ends).unwrap()
    }

    #[test]
    fn the_shortest_wins_and_is_named() {
        let seen = |l: Lifetime| (l.seconds, l.expires_at.as_second(), l.bound);
        assert_eq!(seen(of(60, 900, Some(4600), Some(9000))), (60, 1060, Bound::Asked));
        assert_eq!(seen(of(9999, 900, Some(4600), Some(9000))), (900, 1900, Bound::Cap));
        assert_eq!(seen(of(9999, 900, Some(1300), Some(9000))), (300, 1300, Bound::Credentials));
        assert_eq!(seen(of(9999, 900, Some(1300), Some(1007))), (7, 1007, Bound::Token));
        assert_eq!(seen(of(900, 900, None, None)), (900, 1900, Bound::Asked));
        assert!(!of(900, 900, None, None).credentials_known);
    }

    #[test]
    fn a_fraction_of_a_second_is_not_rounded_up() {
        let now = Timestamp::from_millisecond(1_000_900).unwrap();
        let ends = [(Bound::Credentials, Some(at(1005))), (Bound::Token, None)];
        let life = lifetime(now, 900, 900, ends).unwrap();
        assert_eq!(
            (life.seconds, life.expires_at),
            (5, at(1005)),
            "counted from the signed second"
        );
    }

    #[test]
    fn nothing_left_is_an_error_and_not_a_link_without_end() {
        for (bound, code) in
            [(Bound::Credentials, Code::AwsCredentialsExpired), (Bound::Token, Code::TokenExpired)]
        {
            for end in [999, 1000] {
                let ends = [(bound, Some(at(end))), (Bound::Asked, None)];
                assert_eq!(lifetime(at(1000), 60, 900, ends).unwrap_err().code, code);
            }
        }
    }
}
