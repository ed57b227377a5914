//! The one place where the demo reads the time: the wall clock, since SigV4 and AWS clients do too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time now.
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970 now.
pub(super) fn now_unix() -> u64 {
    unix(now())
}

/// Seconds since 1970; 0 for anything earlier.
pub(super) fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time as AWS writes it: `2026-01-31T12:00:00Z`, UTC, whole seconds.
pub(super) fn iso8601(time: SystemTime) -> String {
    let seconds = UNIX_EPOCH + Duration::from_secs(unix(time));
    jiff::Timestamp::try_from(seconds)
        .map_or_else(|_| String::new(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_in_utc() {
        let time = UNIX_EPOCH + Duration::from_millis(1_000_000_000_750);
        assert_eq!(iso8601(time), "2001-09-09T01:46:40Z");
    }
}
