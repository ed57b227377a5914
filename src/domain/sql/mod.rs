//! Whether a text is exactly one statement that only reads, for Athena (engine version 3, which is
//! Trino), and which tables it names. Pure; asks nobody.
//!
//! [`check_insert`] knows the one statement that writes and can be bounded, for a tool of its own.
//!
//! Default deny: what neither the lexer nor the parser nor the forms of `SHOW` know is refused with
//! its place. It is not the only guard: the credentials and the session's policy decide what a
//! query may touch. A view is named as itself; what it reads is for AWS to know.
//!
//! # How
//! 1. `lexer.rs`, ours: Trino's lexical rules, so that a word inside a string, a comment or a
//!    quoted name is not a keyword, and a semicolon there ends nothing.
//! 2. `bounds.rs`: nesting and chains are bounded before anything recursive sees them.
//! 3. `rewrite.rs`: our tokens, not the text, go to the parser; literals without their contents,
//!    and words that are no keywords of Trino in quotes. So the two cannot see different strings,
//!    and other products' syntax (`PIVOT`, `QUALIFY`, `FORMAT`) cannot be spelled.
//! 4. `parse.rs`: the crate `sqlparser` builds the tree; `tables.rs` reads the tables off it, and
//!    refuses unless the tree holds as many SELECT, VALUES, JOIN and UNNEST as the text.
//! 5. `show.rs`: `SHOW` and `DESCRIBE` go to Athena's Hive parser; they are matched against
//!    a list of forms, not parsed.
//!
//! # The parser
//! `sqlparser` 0.63.0 (Apache-2.0, Apache DataFusion, September 2026), features `std` and `visitor`;
//! without `recursive-protection`, which would grow the stack instead of refusing. It has no dialect
//! for Trino or Athena (asked for in its pull request 2485), hence `Athena` in `parse.rs`. Pinned,
//! and not 0.64.0: that one's `visitor` needs a release of `sqlparser_derive` which was not to be
//! had. Before 0.63 nested parentheses in FROM took exponential time (its pull request 2372).
//!
//! # Refused although Trino knows it
//! `TABLE name`, `VALUES 1` without parentheses, MATCH_RECOGNIZE (of which `t MATCH_RECOGNIZE (x)` is an alias with a column), JSON_TABLE and the clauses of `JSON_QUERY(…)`, functions written
//! inline (`WITH FUNCTION`), a WITH inside of WITH RECURSIVE, qualified function names, table functions but `sequence`.

mod bounds;
mod insert;
mod lexer;
mod parse;
mod refused;
mod rewrite;
mod show;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod words;

pub use insert::check_insert;
pub use refused::{Position, Reason, Refused};
pub use statement::{Checked, Kind, TableName, check, first_word_of};

/// The longest text in bytes: Athena's own limit for a query.
pub const MAX_BYTES: usize = 262_144;
