//! The process environment. No other file reads it.

use super::problem::Problem;
use super::{table, unknown};

/// Every variable that is text, and a problem for each of ours that is not.
///
/// `vars_os`, because `vars` panics on the first variable that is not UTF-8, whoever it belongs to.
pub(super) fn vars() -> (Vec<(String, String)>, Vec<Problem>) {
    #[expect(clippy::disallowed_methods, reason = "the one place where it is allowed")]
    decode(std::env::vars_os())
}

/// The `QUILT_MCP_*` variables of this process, for the demo, which sets the others itself.
pub fn own_variables() -> Vec<(String, String)> {
    vars().0.into_iter().filter(|(name, _)| unknown::is_ours(name)).collect()
}

fn decode<I>(vars: I) -> (Vec<(String, String)>, Vec<Problem>)
where
    I: IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
{
    let (mut text, mut problems) = (Vec::new(), Vec::new());
    for (name, value) in vars {
        let name = name.to_string_lossy().into_owned();
        match value.into_string() {
            Ok(value) => text.push((name, value)),
            Err(_) if table::find(&name).is_some() || unknown::is_ours(&name) => {
                let message = "is not UTF-8; set it to plain text".to_owned();
                problems.push(Problem { variable: name.into(), message });
            }
            Err(_) => {}
        }
    }
    (text, problems)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn text_passes_and_only_our_other_variables_are_problems() {
        let bytes = || OsString::from_vec(vec![0xff]);
        let (vars, problems) = decode([
            ("A".into(), "b".into()),
            ("THEIRS".into(), bytes()),
            ("QUILT_MCP_ADDR".into(), bytes()),
            ("AWS_REGION".into(), bytes()),
            (bytes(), "c".into()),
        ]);
        assert_eq!(vars.len(), 2);
        let names: Vec<_> = problems.iter().map(|p| p.variable.as_ref()).collect();
        assert_eq!(names, ["QUILT_MCP_ADDR", "AWS_REGION"]);
    }

    #[test]
    fn the_process_has_an_environment() {
        assert!(vars().0.iter().any(|(name, _)| name == "PATH"));
    }
}
