//! Whatever the text: no panic, what is allowed is allowed again as it is sent, and the text as a
//! string is harmless.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quilt_mcp_server::domain::sql::{MAX_BYTES, check};

fuzz_target!(|text: &str| {
    if let Ok(checked) = check(text) {
        assert_eq!(check(checked.text()), Ok(checked));
    }
    let string = format!("SELECT '{}' FROM t", text.replace('\'', "''"));
    if string.len() <= MAX_BYTES {
        assert_eq!(check(&string).map(|checked| checked.tables.len()), Ok(1));
    }
});
