//! How a tool that takes long tells how far it is.

use tokio::sync::watch;

/// How far a call is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Of whatever the tool counts; only more than before is passed on.
    pub done: u64,
    /// How many there will be, where that is known.
    pub total: Option<u64>,
    /// For people.
    pub message: String,
}

/// Where a tool's steps go. A client that did not ask hears none of them.
#[derive(Clone, Debug)]
pub struct Progress(Option<watch::Sender<Step>>);

impl Progress {
    /// Nobody listens.
    pub fn unheard() -> Self {
        Self(None)
    }

    /// What is told, and where the latest of it can be read.
    pub fn heard() -> (Self, watch::Receiver<Step>) {
        let (sender, receiver) = watch::channel(Step::default());
        (Self(Some(sender)), receiver)
    }

    /// Tells. Costs next to nothing and never waits: a listener gets the latest step, not each.
    pub fn tell(&self, step: Step) {
        if let Some(sender) = &self.0 {
            sender.send_replace(step);
        }
    }
}
