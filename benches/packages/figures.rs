//! What a step takes, as Linux tells it.

use std::{fs, time::Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;

/// What a step took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of the process's CPU, of all threads.
    pub cpu: f64,
    /// Bytes of memory: the most that the process had meanwhile.
    pub peak: u64,
}

/// The same, with what the step came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// What it took.
    pub took: Figure,
    /// To be compared.
    pub result: Value,
}

/// Measures a process while it does something.
pub struct Watch {
    pid: String,
    began: Instant,
    cpu: f64,
}

/// Clock ticks a second, as every Linux counts them for programs.
const TICKS: f64 = 100.0;

impl Watch {
    /// Begins. `pid` is a process's number, or `self`.
    pub fn start(pid: &str) -> Result<Self> {
        // From now on the peak is that of the step.
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        Ok(Self { pid: pid.to_owned(), began: Instant::now(), cpu: cpu(pid)? })
    }

    /// Ends.
    pub fn stop(&self) -> Result<Figure> {
        let wall = self.began.elapsed().as_secs_f64();
        Ok(Figure { wall, cpu: cpu(&self.pid)? - self.cpu, peak: peak(&self.pid)? })
    }
}

fn cpu(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the name, which may have anything in it, in user mode and in the kernel.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/…/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<std::result::Result<f64, _>>()? / TICKS)
}

fn peak(pid: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}
