//! The keys of enhanced tokens, read again from SSM while the server runs: every five minutes, and
//! on SIGHUP at once.
//!
//! A key that was taken out of the parameter verifies nothing once that was read. Where the
//! parameter cannot be read, or holds something unfit, the last good keys stay, and the log says so
//! each time: a typing error in a parameter must not send every user away.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use aws_lc_rs::rand;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};

use crate::{
    auth::Change,
    config::{Problem, TokenKeys, shown_kid, table},
    http::gate::Gate,
};

/// Reads the parameter's value.
type Read = Box<
    dyn Fn() -> BoxFuture<'static, Result<SecretString, Box<dyn Error + Send + Sync>>>
        + Send
        + Sync,
>;

/// The SSM parameter with the keys.
pub struct Parameter {
    kid: String,
    read: Read,
}

/// Why the parameter gave no keys. No text of its value is in here.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    /// SSM gave no value.
    #[error("{}: {_0}", VARIABLE.name())]
    Unreadable(Box<dyn Error + Send + Sync>),
    /// The value holds no keys, or one that is not fit.
    #[error("{_0}")]
    Unfit(Problem),
}

const VARIABLE: &table::Variable = table::JWT_SECRET_SSM_PARAMETER;

/// How long a read may take; the client's own limits are tighter.
const READ_TIME: Duration = Duration::from_secs(60);

/// From one read to the next, more or less.
const INTERVAL: Duration = Duration::from_secs(300);

/// To the next read after the first that failed; it doubles up to the interval.
const RETRY: Duration = Duration::from_secs(30);

impl Parameter {
    /// A parameter with this way to read it; a single secret in it goes under `kid`.
    pub fn new<F, R, E>(kid: String, read: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<SecretString, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        Self {
            kid,
            read: Box::new(move || {
                let value = read();
                Box::pin(async move { value.await.map_err(Into::into) })
            }),
        }
    }

    /// The keys that it holds now. To be followed by [`warn`], if they are news.
    ///
    /// # Errors
    /// [`NoKeys`].
    pub async fn keys(&self) -> Result<TokenKeys, NoKeys> {
        let value = timeout(READ_TIME, (self.read)()).await;
        let value = value.unwrap_or_else(|_| Err("SSM did not answer in time".into()));
        let value = value.map_err(NoKeys::Unreadable)?;
        TokenKeys::parse(VARIABLE.name(), &self.kid, value.expose_secret()).map_err(NoKeys::Unfit)
    }
}

/// Says what is odd about the keys of the parameter.
pub fn warn(keys: &TokenKeys) {
    for warning in keys.warnings(VARIABLE.name()) {
        tracing::warn!(event = "config", "{warning}");
    }
}

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
    /// Not kept alive by this.
    gate: Weak<Gate>,
    parameter: Option<Parameter>,
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
    pub fn new(gate: &Arc<Gate>, parameter: Option<Parameter>) -> Self {
        let last_good = gate.services.clock.now();
        Self {
            gate: Arc::downgrade(gate),
            parameter,
            turn: Semaphore::new(1),
            wake: Notify::new(),
            history: Mutex::new(History { failures: 0, last_good }),
        }
    }

    /// Refreshes from time to time, and whenever it is asked to, as long as the server lives.
    pub async fn run(self: Arc<Self>) {
        while self.gate.strong_count() > 0 {
            let failures = self.history.lock().unwrap_or_else(PoisonError::into_inner).failures;
            let asked = tokio::select! {
                () = sleep(jittered(pause(failures), random())) => false,
                () = self.wake.notified() => true,
            };
            if asked || self.parameter.is_some() {
                self.refresh_and_say(asked).await;
            }
        }
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
        let (Some(gate), Some(parameter)) = (self.gate.upgrade(), &self.parameter) else {
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
            Ok(keys) => match gate.authenticator.replace_keys(keys.as_slice()) {
                None => Outcome::Unchanged,
                Some(change) => {
                    warn(&keys);
                    Outcome::Changed(change)
                }
            },
        };
        self.note(&outcome, asked, gate.services.clock.now());
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

/// From a refresh to the next, after so many that failed.
fn pause(failures: u32) -> Duration {
    match failures {
        0 => INTERVAL,
        _ => RETRY.saturating_mul(1 << (failures - 1).min(8)).min(INTERVAL),
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
    use super::*;

    #[test]
    fn the_jitter_is_a_tenth_at_most_and_reaches_both_ends() {
        let secs = |random| jittered(INTERVAL, random).as_secs_f64();
        assert!((secs(0) - 270.0).abs() < 0.01 && (secs(u16::MAX) - 330.0).abs() < 0.01);
        for random in (0..=u16::MAX).step_by(97) {
            assert!((270.0..=330.001).contains(&secs(random)), "{random}");
        }
        let some: std::collections::BTreeSet<_> = (0..64).map(|_| random()).collect();
        assert!(some.len() > 32, "random in every round: {some:?}");
    }

    #[test]
    fn after_a_failure_it_tries_sooner_and_then_less_and_less_often() {
        let secs = |failures| pause(failures).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5].map(secs), [300, 30, 60, 120, 240, 300]);
        assert_eq!((secs(40), secs(u32::MAX)), (300, 300));
    }
}
