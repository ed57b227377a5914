//! What holds of any text. The fuzz target asks it of the texts that it finds, `tests/it/fuzzed.rs` of some
//! that are at hand, so that this is compiled and run with every test.

use quilt_mcp_server::domain::sql::{MAX_BYTES, check};

/// No panic; what is allowed is allowed again as it is sent; and the text as a string is harmless.
pub fn holds(text: &str) {
    if let Ok(checked) = check(text) {
        assert_eq!(check(checked.text()), Ok(checked));
    }
    let string = format!("SELECT '{}' FROM t", text.replace('\'', "''"));
    if string.len() <= MAX_BYTES {
        assert_eq!(check(&string).map(|checked| checked.tables.len()), Ok(1));
    }
}
