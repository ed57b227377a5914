//! Whether this machine's clock is that of others: tokens have a begin and an end.

use std::time::Duration;

use aws_smithy_types::date_time::{DateTime, Format};
use url::Url;

use super::report::Report;
use crate::{config::Config, runtime::Clock};

const CHECK: &str = "clock";
/// Seconds within which the `Date` of an answer, which has no fractions, says nothing.
const UNSURE: u64 = 2;

/// Compares with the `Date` header of whoever is asked anyway.
pub(super) async fn check(report: &mut Report, config: Option<&Config>, url: Option<&Url>) {
    let catalog = config.map(|config| &config.catalog);
    let known = [
        url,
        catalog.and_then(|c| c.registry_url.as_ref()),
        catalog.and_then(|c| c.catalog_url.as_ref()),
    ];
    let Some(url) = known.into_iter().flatten().next() else {
        return report.skip(CHECK, "not compared: no URL, registry or catalog to ask");
    };
    let host = url.host_str().unwrap_or_default();
    let Some(theirs) = date(url).await else {
        return report.skip(CHECK, format!("not compared: {host} told no date"));
    };
    let leeway = config.map_or(5, |config| config.tokens.leeway_secs).max(UNSURE);
    let apart = Clock::system().now().as_second() - theirs;
    let (ahead, seconds) = (if apart > 0 { "ahead of" } else { "behind" }, apart.unsigned_abs());
    match seconds <= leeway {
        true => report.ok(CHECK, format!("as {host} has it, within {leeway} s")),
        false => report.fail(
            CHECK,
            format!("{seconds} s {ahead} {host}"),
            "synchronise the clock: tokens seem expired, or not valid yet (QUILT_MCP_JWT_LEEWAY)",
        ),
    }
}

/// Seconds since 1970, as this server has them.
async fn date(url: &Url) -> Option<i64> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5));
    let http = http.redirect(reqwest::redirect::Policy::none()).build().ok()?;
    let answer = http.head(url.clone()).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    Some(DateTime::from_str(date, Format::HttpDate).ok()?.secs())
}
