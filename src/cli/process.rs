//! What the operating system lets this process do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files beside the connections: the lane for health checks, 512 calls to AWS at a time, the
/// registry, and what a process has anyway.
const BESIDE: u64 = 800;

/// No core dump: it would hold every secret and token in memory (threat T27).
pub(super) fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(event = "config", "core dumps could not be switched off: {error}");
    }
}

/// As many of the wanted connections as there can be open files. A container often starts with a
/// limit of 1024, which may be raised: without a file left not even health would be answered.
pub(super) fn connections(wanted: usize) -> usize {
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(BESIDE);
    let limit = getrlimit(Resource::Nofile);
    let raised = raised(limit, needed);
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    let possible = possible(wanted, files);
    if possible < wanted {
        tracing::warn!(
            event = "config",
            "QUILT_MCP_MAX_CONNECTIONS: {wanted} connections need {needed} open files, and this \
             process may have {}: there will be {possible}; raise the limit (ulimit -n, nofile)",
            files.unwrap_or(u64::MAX)
        );
    }
    possible
}

/// Up to what is allowed, and never less than before; no number means no limit.
fn raised(limit: Rlimit, needed: u64) -> Rlimit {
    let highest = limit.maximum.map_or(needed, |highest| highest.min(needed));
    Rlimit { current: limit.current.map(|current| current.max(highest)), ..limit }
}

/// Where files are very few, half of them.
fn possible(wanted: usize, files: Option<u64>) -> usize {
    let Some(files) = files else { return wanted };
    let left = files.saturating_sub(BESIDE).max(files / 2).max(1);
    wanted.min(usize::try_from(left).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_raised_as_far_as_it_goes_and_never_lowered() {
        let to = |current, maximum| raised(Rlimit { current, maximum }, 1824).current;
        assert_eq!(to(Some(1024), Some(65_536)), Some(1824));
        assert_eq!(to(Some(1024), Some(1500)), Some(1500));
        assert_eq!(to(Some(1024), None), Some(1824));
        assert_eq!(to(Some(9000), Some(65_536)), Some(9000));
        assert_eq!(to(None, None), None);
    }

    #[test]
    fn there_are_never_more_connections_than_files() {
        assert_eq!(possible(1024, None), 1024);
        assert_eq!(possible(1024, Some(1824)), 1024);
        assert_eq!(possible(1024, Some(1700)), 900);
        assert_eq!(possible(1024, Some(1024)), 512);
        assert_eq!(possible(10, Some(64)), 10);
    }
}
