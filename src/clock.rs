//! The one clock. Tests advance it; nothing else in the server reads the time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// Tells the time, to the second or better.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    /// Milliseconds that a test adds to the system's time.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The machine's clock, shifted by what [`Clock::advance`] adds up to.
    pub fn shifted() -> Self {
        Self(Source::Shifted(Arc::default()))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        match &self.0 {
            Source::System => now,
            Source::Shifted(by) => now
                .checked_add(jiff::SignedDuration::from_millis(by.load(Ordering::Relaxed)))
                .unwrap_or(now),
        }
    }

    /// Moves a shifted clock; does nothing to the system's.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Shifted(shift) = &self.0 {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            shift.fetch_add(millis, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
