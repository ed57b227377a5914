//! What an operator's dashboards ask: counts, times and sizes, for Prometheus ([`admin`]) or as
//! CloudWatch's embedded metric format ([`Embedded`]).
//!
//! Counts and times are those of the log's own lines (`docs/LOGGING.md`): [`Metrics::layer`] reads each event as
//! it is logged, so the two cannot disagree. Sizes are asked for when somebody looks. Labels are names of tools
//! and codes of ours, never what a client sent, so there is a bound to their number (threat: a client that makes
//! up names, and users in dimensions).

pub mod admin;
mod counts;
mod embedded;
mod layer;

use std::sync::Arc;

use prometheus::{Error, PullingGauge, Registry, TextEncoder, proto::MetricFamily};

use counts::Counts;
pub use embedded::Embedded;

/// Asked for a size.
pub type Probe = Box<dyn Fn() -> f64 + Send + Sync>;

/// The metrics of one process. Cheap to clone: all clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    counts: Arc<Counts>,
}

impl Metrics {
    /// With nothing counted.
    ///
    /// # Errors
    /// A name that Prometheus does not take; a test holds that there is none.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let counts = Arc::new(Counts::new(&registry)?);
        Ok(Self { registry, counts })
    }

    /// A size that is asked for at every look.
    ///
    /// # Errors
    /// There is one of this name.
    pub fn gauge(&self, name: &str, help: &str, probe: Probe) -> Result<(), Error> {
        self.registry.register(Box::new(PullingGauge::new(name, help, probe)?))
    }

    /// Prometheus' text format, version 0.0.4.
    ///
    /// # Errors
    /// None that is known: the encoder writes into memory.
    pub fn text(&self) -> Result<String, Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn gathered(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// Bytes of memory that this process has, as the kernel counts them; 0 where it does not say.
pub fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn sizes_are_asked_for_at_every_look() {
        let metrics = Metrics::new().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let seen = asked.clone();
        let probe = move || f64::from(seen.fetch_add(1, Ordering::Relaxed));
        metrics.gauge("quilt_mcp_things", "Things.", Box::new(probe)).unwrap();
        for n in 0..2 {
            let text = metrics.text().unwrap();
            assert!(text.contains(&format!("\nquilt_mcp_things {n}\n")), "{text}");
        }
        assert!(metrics.gauge("quilt_mcp_things", "Again.", Box::new(|| 0.0)).is_err());
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_bytes() > 1024.0 * 1024.0);
    }
}
