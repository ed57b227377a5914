//! What a package looks like at a glance: figures, pictures, a README, and `quilt_summarize.json`.
//!
//! Pure: it is given logical keys and sizes, and returns data, text and PNG bytes. Memory is bounded
//! whatever the package: groups, labels and lists have limits.

mod bars;
mod canvas;
mod charts;
mod kinds;
mod profile;
mod readme;
mod sizes;
mod summarize;

pub use bars::{Bar, Bars, MAX_BARS, Other};
pub use canvas::{HEIGHT, Unpaintable, WIDTH};
pub use charts::{Chart, Measure, Plot, chart};
pub use kinds::{Kind, file_type, kind};
pub use profile::{Profile, Tally};
pub use readme::{Readme, readme};
pub use sizes::human;
pub use summarize::{Item, Row, SUMMARIZE_KEY, Wanted, summarize};
