//! The keys of enhanced tokens, read again from SSM while the server runs: every five minutes, and
//! on SIGHUP at once.
//!
//! A key that was taken out of the parameter verifies nothing once that was read. Where the
//! parameter cannot be read, or holds something unfit, the last good keys stay, and the log says so
//! each time: a typing error in a parameter must not send every user away.

mod parameter;

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use aws_lc_rs::rand;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, Semaphore},
    time::sleep,
};

use crate::{auth::Change, config::shown_kid, http::authenticate::Authenticator};

use parameter::VARIABLE;
pub use parameter::{NoKeys, Parameter, warn};

/// When the keys are read, more or less.
struct Pace {
    /// From one read to the next.
    interval: Duration,
    /// To the next read after one that failed; it doubles up to the interval.
    retry: Duration,
}

const PACE: Pace = Pace { interval: Duration::from_secs(300), retry: Duration::from_secs(30) };

/// What came of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The keys do not come from SSM, so there was nothing to read.
    Fixed,
    /// They are the ones that were there.
    Unchanged,
    /// They are others now.
    Changed(Change),
    /// The last good ones stay, because of this.
    Failed(String),
}

/// Keeps the keys of a server as the parameter has them.
pub struct Rotation {
    /// Where the keys are in use; not kept alive by this.
    authenticator: Weak<Authenticator>,
    parameter: Option<Parameter>,
    pace: Pace,
    /// One read at a time: of two, the older answer could come last and bring a removed key back.
    turn: Semaphore,
    wake: Notify,
    history: Mutex<History>,
}

struct History {
    /// Refreshes that failed since the last good one.
    failures: u32,
    last_good: Timestamp,
}

impl Rotation {
    /// For a server whose keys were read from `parameter` a moment ago; `None` where they do not come
    /// from SSM.
    pub fn new(authenticator: &Arc<Authenticator>, parameter: Option<Parameter>) -> Self {
        let last_good = authenticator.clock.now();
        Self {
            authenticator: Arc::downgrade(authenticator),
            parameter,
            pace: PACE,
            turn: Semaphore::new(1),
            wake: Notify::new(),
            history: Mutex::new(History { failures: 0, last_good }),
        }
    }

    /// Refreshes from time to time, and whenever it is asked to, as long as the server lives.
    pub async fn run(self: Arc<Self>) {
        while self.authenticator.strong_count() > 0 {
            let failures = self.history.lock().unwrap_or_else(PoisonError::into_inner).failures;
            let asked = tokio::select! {
                () = sleep(jittered(self.pace.pause(failures), random())) => false,
                () = self.wake.notified() => true,
            };
            if asked || self.parameter.is_some() {
                self.refresh_and_say(asked).await;
            }
        }
    }

    /// Whether the keys are read again at all.
    pub fn is_on(&self) -> bool {
        self.parameter.is_some()
    }

    /// How long ago the keys were last read.
    pub fn age(&self, now: Timestamp) -> Duration {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        now.duration_since(history.last_good).unsigned_abs()
    }

    /// Asks for a refresh at every signal. Who makes the signal's stream before anything else never
    /// dies of one.
    pub async fn follow(self: Arc<Self>, mut signal: tokio::signal::unix::Signal) {
        while signal.recv().await.is_some() {
            // Kept, where a refresh is under way: that one may have read too early.
            self.wake.notify_one();
        }
    }

    /// Reads the keys and puts them in place. When this returns, no request that starts later is
    /// answered by a key that was not there when this began, except where it failed.
    pub async fn refresh(&self) -> Outcome {
        self.refresh_and_say(true).await
    }

    async fn refresh_and_say(&self, asked: bool) -> Outcome {
        let (Some(authenticator), Some(parameter)) =
            (self.authenticator.upgrade(), &self.parameter)
        else {
            tracing::info!(
                event = "keys",
                outcome = "fixed",
                "nothing to read again: the keys do not come from {}",
                VARIABLE.name()
            );
            return Outcome::Fixed;
        };
        // It is never closed.
        let _turn = self.turn.acquire().await;
        let outcome = match parameter.keys().await {
            Err(why) => Outcome::Failed(why.to_string()),
            Ok(keys) => match authenticator.replace_keys(keys.as_slice()) {
                None => Outcome::Unchanged,
                Some(change) => {
                    warn(&keys);
                    Outcome::Changed(change)
                }
            },
        };
        self.note(&outcome, asked, authenticator.clock.now());
        outcome
    }

    fn note(&self, outcome: &Outcome, asked: bool, now: Timestamp) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Failed(why) => {
                history.failures = history.failures.saturating_add(1);
                let age = now.duration_since(history.last_good).as_secs();
                say_failed(why, history.failures, age);
            }
            good => {
                *history = History { failures: 0, last_good: now };
                say_good(good, asked);
            }
        }
    }
}

fn say_failed(why: &str, failures: u32, last_good_secs: i64) {
    tracing::warn!(
        event = "keys",
        outcome = "failed",
        why,
        failures,
        last_good_secs,
        "the keys of enhanced tokens could not be refreshed; the last good ones stay in use"
    );
}

fn say_good(outcome: &Outcome, asked: bool) {
    match outcome {
        Outcome::Changed(change) => {
            let shown = |kids: &[String]| kids.iter().map(|kid| shown_kid(kid)).collect::<Vec<_>>();
            tracing::info!(
                event = "keys", outcome = "changed", generation = change.generation,
                added = ?shown(&change.added), removed = ?shown(&change.removed),
                replaced = ?shown(&change.replaced), "the keys of enhanced tokens have changed"
            );
        }
        // Whoever asks wants an answer.
        _ if asked => tracing::info!(event = "keys", outcome = "unchanged", "{UNCHANGED}"),
        _ => tracing::debug!(event = "keys", outcome = "unchanged", "{UNCHANGED}"),
    }
}

const UNCHANGED: &str = "the keys of enhanced tokens are the same";

impl Pace {
    /// From a refresh to the next, after so many that failed.
    fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 => self.interval,
            _ => self.retry.saturating_mul(1 << (failures - 1).min(8)).min(self.interval),
        }
    }
}

/// A time at most a tenth shorter or longer, so that replicas which started together do not ask
/// together.
fn jittered(time: Duration, random: u16) -> Duration {
    time.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u16::MAX))
}

/// Any number. Without entropy it is always the same one: the jitter is a courtesy to SSM.
fn random() -> u16 {
    let mut bytes = [0; 2];
    match rand::fill(&mut bytes) {
        Ok(()) => u16::from_be_bytes(bytes),
        Err(_) => u16::MAX / 2,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use secrecy::SecretString;

    use super::*;

    #[test]
    fn the_jitter_is_a_tenth_at_most_and_reaches_both_ends() {
        let secs = |random| jittered(PACE.interval, random).as_secs_f64();
        assert!((secs(0) - 270.0).abs() < 0.01 && (secs(u16::MAX) - 330.0).abs() < 0.01);
        for random in (0..=u16::MAX).step_by(97) {
            assert!((270.0..=330.001).contains(&secs(random)), "{random}");
        }
        let some: std::collections::BTreeSet<_> = (0..64).map(|_| random()).collect();
        assert!(some.len() > 32, "random in every round: {some:?}");
    }

    #[test]
    fn after_a_failure_it_tries_sooner_and_then_less_and_less_often() {
        let secs = |failures| PACE.pause(failures).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5].map(secs), [300, 30, 60, 120, 240, 300]);
        assert_eq!((secs(40), secs(u32::MAX)), (300, 300));
    }

    const SECRET: &str = "canary-secret-0123456789-0123456789";

    /// A parameter that cannot be read the first two times, and how often it was.
    fn parameter() -> (Parameter, Arc<AtomicU32>) {
        let reads = Arc::new(AtomicU32::new(0));
        let counter = reads.clone();
        let parameter = Parameter::new("k".to_owned(), move || {
            let count = counter.fetch_add(1, Ordering::SeqCst);
            async move {
                match count {
                    0 | 1 => Err(std::io::Error::other("not there")),
                    _ => Ok(SecretString::from(SECRET)),
                }
            }
        });
        (parameter, reads)
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn running(
        parameter: Option<Parameter>,
        pace: Pace,
    ) -> (Arc<Authenticator>, Arc<Rotation>, tokio::task::JoinHandle<()>) {
        let authenticator = Arc::new(crate::http::authenticate::tests::authenticator());
        let rotation = Rotation { pace, ..Rotation::new(&authenticator, parameter) };
        let rotation = Arc::new(rotation);
        let task = tokio::spawn(rotation.clone().run());
        (authenticator, rotation, task)
    }

    #[tokio::test]
    async fn it_refreshes_by_itself_and_ends_with_the_server() {
        let (parameter, reads) = parameter();
        let (interval, retry) = (Duration::from_millis(50), Duration::from_millis(5));
        let (server, _, task) = running(Some(parameter), Pace { interval, retry });
        until(|| reads.load(Ordering::SeqCst) >= 5).await;
        assert_eq!(server.keyring.current().generation(), 1, "loaded once, then the same");
        drop(server);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn after_a_failure_it_does_not_wait_for_the_interval() {
        let (parameter, reads) = parameter();
        let pace = Pace { interval: Duration::from_secs(3600), retry: Duration::from_millis(5) };
        let (server, rotation, _) = running(Some(parameter), pace);
        rotation.wake.notify_one();
        until(|| reads.load(Ordering::SeqCst) == 3).await;
        until(|| server.keyring.current().generation() == 1).await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(reads.load(Ordering::SeqCst), 3, "good again: the interval holds");
        assert_eq!(rotation.refresh().await, Outcome::Unchanged);
    }

    #[tokio::test]
    async fn what_was_asked_for_during_a_refresh_is_read_again() {
        let (parameter, reads) = parameter();
        let pace = || Pace { interval: Duration::from_secs(3600), ..PACE };
        let (_server, rotation, _) = running(Some(parameter), pace());
        let turn = rotation.turn.acquire().await.unwrap();
        rotation.wake.notify_one();
        // The refresh has begun and waits for its turn when the second signal comes.
        sleep(Duration::from_millis(20)).await;
        rotation.wake.notify_one();
        drop(turn);
        until(|| reads.load(Ordering::SeqCst) == 2).await;
    }
}
