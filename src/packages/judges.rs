//! Turns for judging by workflows: what a registry's rules cost is up to who wrote them.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{error::Elapsed, timeout},
};

use crate::{
    domain::workflow::Stop,
    error::{Code, ToolError},
    turns::{Turns, User},
};

/// Judges in threads for such work, a few at once and none for long. Who reads packages has other turns
/// ([`super::Store::compute`]), so a slow workflow is in the way of other workflows only, each for half a minute
/// at most.
#[derive(Clone, Debug)]
pub struct Judges {
    turns: Arc<Turns>,
    wait: Duration,
    work: Duration,
}

/// Judgements at once; of one user one.
const TURNS: usize = 2;
/// How long one waits for a turn.
const WAIT: Duration = Duration::from_secs(60);
/// How long a judgement may take; a million entries take seconds.
const WORK: Duration = Duration::from_secs(30);

impl Default for Judges {
    fn default() -> Self {
        Self { turns: Arc::new(Turns::new(TURNS, 1)), wait: WAIT, work: WORK }
    }
}

impl Judges {
    /// Does `work` in a turn of its own. Its [`Stop`] is set when the time is over or the caller leaves;
    /// the turn is free when the work has ended.
    ///
    /// # Errors
    /// `timeout` where no turn came or the time was over; a fault of ours.
    pub async fn run<T: Send + 'static>(
        &self,
        user: &User,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> Result<T, ToolError> {
        let turn = self.turns.take(user, 1, self.wait).await.ok_or_else(busy)?;
        let stop = Stop::default();
        let _stops = stop.when_dropped();
        let done = spawn_blocking(move || {
            // The thread works on until it sees the stop, so the turn is its own.
            let _turn = turn;
            work(&stop)
        });
        let done = timeout(self.work, done).await.map_err(|_: Elapsed| too_long())?;
        done.map_err(|_| ToolError::internal("judging by a workflow failed"))
    }
}

fn busy() -> ToolError {
    ToolError::new(
        Code::Timeout,
        "Judging by the registry's workflow had to wait for too long",
        "Other packages are being judged by workflows, of others or of yours.",
        "Call again in a minute.",
    )
}

fn too_long() -> ToolError {
    ToolError::new(
        Code::Timeout,
        "Judging by the registry's workflow took too long",
        format!("It did not end within {} seconds, and nothing was written.", WORK.as_secs()),
        "Have the registry's owner make the workflow's schemas simpler, above all their patterns.",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::turns::Turn;

    fn judges(wait: u64, work: u64) -> Judges {
        Judges {
            turns: Arc::new(Turns::new(TURNS, 1)),
            wait: Duration::from_millis(wait),
            work: Duration::from_millis(work),
        }
    }

    fn user(name: &str) -> User {
        ("realm".into(), name.into())
    }

    /// Every turn there is.
    async fn all(judges: &Judges) -> [Option<Turn>; TURNS] {
        let soon = Duration::from_secs(5);
        let turns = [
            judges.turns.take(&user("one"), 1, soon).await,
            judges.turns.take(&user("two"), 1, soon).await,
        ];
        assert!(turns.iter().all(Option::is_some));
        turns
    }

    /// Work that ends when it is stopped, and says when it begins and that it was stopped.
    fn endless(begun: Sender<()>, ended: Sender<()>) -> impl FnOnce(&Stop) + Send + 'static {
        move |stop| {
            begun.send(()).unwrap();
            while !stop.is_set() {
                std::thread::yield_now();
            }
            ended.send(()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_caller_who_leaves_stops_his_judgement_and_frees_the_turn() {
        let judges = judges(60_000, 60_000);
        let ((begun, begins), (ended, ends)) = (channel(), channel());
        for _ in 0..3 * TURNS {
            let one = user("one");
            let mut work = Box::pin(judges.run(&one, endless(begun.clone(), ended.clone())));
            while begins.try_recv().is_err() {
                let soon = timeout(Duration::from_millis(5), &mut work).await;
                assert!(soon.is_err(), "it ends by no other means");
            }
            assert!(ends.try_recv().is_err());
            drop(work);
            assert_eq!(ends.recv_timeout(Duration::from_secs(30)), Ok(()));
        }
        assert_eq!(judges.run(&user("one"), |_| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn who_reads_packages_does_not_wait_for_judges() {
        let store = crate::packages::Store::new(1);
        let _all = all(store.judges()).await;
        assert_eq!(store.compute(&user("three"), || Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_judgement_has_its_time_and_so_has_the_wait_for_a_turn() {
        let slow = judges(60_000, 50);
        let ((begun, _begins), (ended, ends)) = (channel(), channel());
        let error = slow.run(&user("one"), endless(begun, ended)).await.unwrap_err();
        assert_eq!(error.code, Code::Timeout);
        assert!(error.what.contains("took too long"), "{}", error.what);
        assert_eq!(ends.recv_timeout(Duration::from_secs(30)), Ok(()));

        let full = judges(50, 60_000);
        let _all = all(&full).await;
        let error = full.run(&user("three"), |_| ()).await.unwrap_err();
        assert_eq!(error.code, Code::Timeout);
        assert!(error.what.contains("wait"), "{}", error.what);
    }
}
