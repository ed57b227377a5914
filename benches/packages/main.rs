//! Packages beside quilt3, in one run, on the same files and the same S3:
//!
//! ```text
//! cargo bench --bench packages [-- ENTRIES [OBJECTS]]
//! ```
//!
//! ENTRIES (1,000,000) are in the manifests that are parsed, hashed, compared and browsed; OBJECTS (10,000)
//! become packages. Every step of quilt3's and of the library's is a process of its own; the server is `serve`, a
//! process of its own beside the stand-ins, which are in this one. Results are compared: a step that does not come
//! to what quilt3 comes to ends the run. Prints a table, and fails where an aim is missed.
//!
//! Needs quilt3, which `scripts/quilt3` installs.

mod figures;
mod library;
mod processes;
mod served;
mod steps;
mod table;

/// Whatever goes wrong ends the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["parse", path] => library::parse(path),
        ["diff", one, two] => library::diff(one, two),
        [] => steps::run(1_000_000, 10_000),
        [entries] => steps::run(entries.parse()?, 10_000),
        [entries, objects] => steps::run(entries.parse()?, objects.parse()?),
        _ => Err("usage: cargo bench --bench packages [-- ENTRIES [OBJECTS]]".into()),
    }
}
