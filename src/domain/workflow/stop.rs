use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Says that a judgement is wanted no longer. Whoever judges looks at it between any two steps, and
/// what was stopped is never a judgement: it comes out as a violation.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Sets a [`Stop`] when it is dropped, as it is with the future of a caller who has left.
#[derive(Debug)]
pub struct StopWhenDropped(Stop);

impl Stop {
    /// The work ends soon, whichever thread does it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it at the end of a scope, or with the future that the scope is in.
    #[must_use]
    pub fn when_dropped(&self) -> StopWhenDropped {
        StopWhenDropped(self.clone())
    }
}

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.set();
    }
}
