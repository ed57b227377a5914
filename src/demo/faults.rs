//! Faults that a test orders for the next calls of a service.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::journal::{Call, Journal, Service};
use super::torn::Torn;

/// What is to happen instead of, or before, the ordinary answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The ordinary answer, this much later.
    Delay(Duration),
    /// No answer, until the client gives up or the world ends.
    Hang,
    /// The ordinary answer is made, but does not arrive, or not whole.
    Torn(Torn),
    /// An error in the service's own shape, before authentication.
    Error {
        /// HTTP status.
        status: u16,
        /// Error code, as S3, STS and Athena spell it; the registry puts it into its `message`.
        code: &'static str,
    },
}

/// How a fault bears on the answer.
pub(super) enum Blow {
    /// This error, by status and code, instead.
    Error(u16, &'static str),
    /// The ordinary one, to be marked with this.
    Torn(Torn),
}

/// The faults still to come, per service, first ordered first served.
pub struct Faults {
    pending: Mutex<HashMap<Service, VecDeque<(Fault, u32)>>>,
    stop: CancellationToken,
}

impl Fault {
    /// S3's way of asking for patience.
    pub const SLOW_DOWN: Self = Self::Error { status: 503, code: "SlowDown" };
    /// A server error.
    pub const INTERNAL_ERROR: Self = Self::Error { status: 500, code: "InternalError" };
    /// S3's word for temporary credentials that it no longer takes.
    pub const EXPIRED_TOKEN: Self = Self::Error { status: 400, code: "ExpiredToken" };
    /// A refusal, as S3 and STS word it.
    pub const ACCESS_DENIED: Self = Self::Error { status: 403, code: "AccessDenied" };
    /// STS's way of asking for patience.
    pub const THROTTLING: Self = Self::Error { status: 400, code: "Throttling" };
    /// Athena's way of asking for patience.
    pub const ATHENA_THROTTLING: Self = Self::Error { status: 400, code: "ThrottlingException" };
    /// Athena's word for temporary credentials that it no longer takes.
    pub const ATHENA_EXPIRED: Self = Self::Error { status: 400, code: "ExpiredTokenException" };
    /// The registry no longer knows the bearer.
    pub const UNAUTHORIZED: Self = Self::Error { status: 401, code: "Unauthorized" };
    /// The registry knows the bearer and refuses.
    pub const FORBIDDEN: Self = Self::Error { status: 403, code: "Forbidden" };
}

impl Faults {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { pending: Mutex::default(), stop }
    }

    /// Orders `fault` for the next `calls` calls of `service`, after those ordered before.
    pub fn inject(&self, service: Service, fault: Fault, calls: u32) {
        if calls > 0 {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.entry(service).or_default().push_back((fault, calls));
        }
    }

    /// Cancels what has not happened yet.
    pub fn clear(&self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lets the next fault happen: waits if it is a delay or a hang, and returns what else is to
    /// happen to the answer. A call that hangs is written to the journal first, since
    /// nothing comes after.
    pub(super) async fn strike(&self, call: &Call, journal: &Journal) -> Option<Blow> {
        match self.next(call.service)? {
            Fault::Error { status, code } => return Some(Blow::Error(status, code)),
            Fault::Torn(torn) => return Some(Blow::Torn(torn)),
            Fault::Delay(duration) => {
                tokio::select! {
                    () = tokio::time::sleep(duration) => {}
                    () = self.stop.cancelled() => {}
                }
            }
            Fault::Hang => {
                let mut call = call.clone();
                "Hang".clone_into(&mut call.outcome);
                journal.record(call);
                self.stop.cancelled().await;
                return Some(Blow::Error(503, "ServiceUnavailable"));
            }
        }
        None
    }

    fn next(&self, service: Service) -> Option<Fault> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = pending.get_mut(&service)?;
        let (fault, left) = queue.front_mut()?;
        let fault = *fault;
        *left = left.saturating_sub(1);
        if *left == 0 {
            queue.pop_front();
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_ordered_first_served() {
        let faults = Faults::new(CancellationToken::new());
        faults.inject(Service::S3, Fault::SLOW_DOWN, 2);
        faults.inject(Service::S3, Fault::Hang, 1);
        faults.inject(Service::Sts, Fault::THROTTLING, 1);
        faults.inject(Service::Registry, Fault::FORBIDDEN, 0);
        let order: Vec<_> = (0..4).map(|_| faults.next(Service::S3)).collect();
        assert_eq!(
            order,
            [Some(Fault::SLOW_DOWN), Some(Fault::SLOW_DOWN), Some(Fault::Hang), None]
        );
        assert_eq!(faults.next(Service::Registry), None);
        faults.clear();
        assert_eq!(faults.next(Service::Sts), None);
    }
}
