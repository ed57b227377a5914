//! What the run came to.

use crate::{
    Result,
    figures::{Figure, Measured},
};

/// The steps so far.
#[derive(Default)]
pub struct Table {
    missed: Vec<String>,
}

/// Bytes that the server may have while it shows pages of one package.
const MEMORY: u64 = 200_000_000;

impl Table {
    /// Begins.
    pub fn new() -> Self {
        println!("| step | quilt3: s | CPU s | MB | ours: s | CPU s | MB | ratio | aim |");
        println!("|---|---|---|---|---|---|---|---|---|");
        Self::default()
    }

    /// Writes a step's row. Ours is the median of several; each came to the same as quilt3's.
    pub fn row(
        &mut self,
        step: &str,
        theirs: &Measured,
        ours: Vec<Measured>,
        aim: f64,
    ) -> Result<()> {
        if let Some(other) = ours.iter().find(|other| other.result != theirs.result) {
            let (ours, theirs) = (&other.result, &theirs.result);
            return Err(format!("{step}: quilt3 came to {theirs}, we to {ours}").into());
        }
        let ours = median(ours)?;
        let (ratio, their) = (theirs.took.wall / ours.wall, columns(&theirs.took));
        println!("| {step} | {their} | {} | {ratio:.1} | {aim} |", columns(&ours));
        if ratio < aim {
            self.missed.push(format!("{step}: {ratio:.1} times as fast, not {aim}"));
        }
        Ok(())
    }

    /// Writes a row of what quilt3 does not do.
    pub fn alone(&mut self, step: &str, ours: Vec<Measured>) -> Result<()> {
        println!("| {step} | – | – | – | {} | – | – |", columns(&median(ours)?));
        Ok(())
    }

    /// Notes how much memory a server had.
    pub fn bounded(&mut self, step: &str, took: &Figure) {
        if took.peak > MEMORY {
            self.missed.push(format!("{step}: {} MB, more than {}", mb(took.peak), mb(MEMORY)));
        }
    }

    /// Ends.
    pub fn finish(self) -> Result<()> {
        match self.missed.as_slice() {
            [] => Ok(()),
            missed => Err(format!("missed: {}", missed.join("; ")).into()),
        }
    }
}

fn median(ours: Vec<Measured>) -> Result<Figure> {
    let mut took: Vec<Figure> = ours.into_iter().map(|measured| measured.took).collect();
    took.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    took.get(took.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}

fn columns(took: &Figure) -> String {
    format!("{:.3} | {:.2} | {}", took.wall, took.cpu, mb(took.peak))
}

fn mb(bytes: u64) -> u64 {
    bytes / 1_000_000
}
