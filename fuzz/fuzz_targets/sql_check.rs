//! See `../sql.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../sql.rs"]
mod sql;

fuzz_target!(|text: &str| sql::holds(text));
