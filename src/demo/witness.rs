//! Who is told every secret that the stand-ins make or see: the test that searches logs for them.

use std::sync::OnceLock;

static WITNESS: OnceLock<fn(&str)> = OnceLock::new();

/// Has `witness` told every secret from now on: keys, tokens, session ids, signatures. The first
/// one counts; without one nothing is kept or told.
pub fn install(witness: fn(&str)) {
    let _already_there = WITNESS.set(witness);
}

pub(super) fn tell(secret: &str) {
    if let Some(witness) = WITNESS.get() {
        witness(secret);
    }
}

/// Tells the values that stand after `mark` in a text: of `Signature=`, all signatures.
pub(super) fn tell_after(mark: &str, text: &str) {
    if WITNESS.get().is_some() {
        for rest in text.split(mark).skip(1) {
            let is_value = |c: char| c.is_ascii_alphanumeric() || "-_.~%".contains(c);
            tell(rest.split(|c| !is_value(c)).next().unwrap_or_default());
        }
    }
}
