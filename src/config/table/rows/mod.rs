//! The rows, by section. Defaults stand here only: the code that reads a variable parses the default text.

use std::sync::LazyLock;

use super::Variable;

/// Makes one constant per row, and the list of all of them; neither can forget a row.
macro_rules! rows {
    ($($id:ident {
        name: $name:literal,
        section: $section:expr,
        absent: $absent:expr,
        example: $example:literal,
        meaning: $meaning:literal,
        show: $show:expr $(,)?
    })*) => {
        use super::super::Variable;

        $(
            #[doc = concat!("`", $name, "`: ", $meaning)]
            pub const $id: &Variable = &Variable {
                name: $name,
                section: $section,
                absent: $absent,
                example: $example,
                meaning: $meaning,
                show: $show,
            };
        )*

        pub(super) const ROWS: &[&Variable] = &[$($id),*];
    };
}

mod athena;
mod aws;
mod catalog;
mod credentials;
mod log;
mod server;
mod tokens;

pub use self::{athena::*, aws::*, catalog::*, credentials::*, log::*, server::*, tokens::*};

/// Every variable that this server reads.
pub static TABLE: LazyLock<Vec<&'static Variable>> = LazyLock::new(|| {
    let sections = [server::ROWS, tokens::ROWS, credentials::ROWS, catalog::ROWS, athena::ROWS];
    [&sections[..], &[aws::ROWS, log::ROWS]].concat().concat()
});
