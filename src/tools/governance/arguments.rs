//! What is wrong with an argument before the registry is asked. Whether it likes a name is its own
//! matter.

use crate::tools::prelude::*;

/// Bytes of a name of a user or a role.
const LONGEST_NAME: usize = 256;
/// Bytes of an address (RFC 5321).
const LONGEST_EMAIL: usize = 320;
/// Roles in one call.
const MOST_ROLES: usize = 100;

/// Demands a name, of a user or a role; `what` is the argument.
///
/// # Errors
/// It is empty, too long, or has control characters or white space around it.
pub fn name(what: &str, text: &str) -> Result<()> {
    let why = match text {
        "" => "is empty".to_owned(),
        long if long.len() > LONGEST_NAME => format!("has more than {LONGEST_NAME} bytes"),
        odd if odd.trim() != odd => "has white space around it".to_owned(),
        odd if odd.contains(char::is_control) => "has control characters".to_owned(),
        _ => return Ok(()),
    };
    Err(ToolError::invalid_arguments(format!("{what} {why}")))
}

/// Demands the form of an address.
///
/// # Errors
/// It has another.
pub fn email(text: &str) -> Result<()> {
    let whole = text.rsplit_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty());
    let odd = text.contains(|c: char| c.is_control() || c.is_whitespace());
    match whole && !odd && text.len() <= LONGEST_EMAIL {
        true => Ok(()),
        false => Err(ToolError::invalid_arguments(
            "email is an address such as ada@example.com, of at most 320 bytes",
        )),
    }
}

/// Demands names of roles; `what` is the argument.
///
/// # Errors
/// One is no name, or there are too many.
pub fn roles(what: &str, roles: &[String]) -> Result<()> {
    if roles.len() > MOST_ROLES {
        let why = format!("{what} has more than {MOST_ROLES} roles");
        return Err(ToolError::invalid_arguments(why));
    }
    roles.iter().try_for_each(|role| name(&format!("a role in {what}"), role))
}

/// Demands at least one.
///
/// # Errors
/// As [`roles`], or there is none.
pub fn some_roles(what: &str, names: &[String]) -> Result<()> {
    match names {
        [] => Err(ToolError::invalid_arguments(format!("{what} is empty: name at least one role"))),
        names => roles(what, names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_lists_of_roles_have_a_form() {
        let long = "x".repeat(257);
        for bad in ["", " a", "a ", "a\nb", "a\0", long.as_str()] {
            let error = name("name", bad).unwrap_err();
            assert_eq!(error.code, Code::InvalidArguments, "{bad:?}");
            assert!(error.why.starts_with("name "), "{}", error.why);
        }
        for good in ["ada", "Ada Lovelace", "ä@b", &long[1..]] {
            assert_eq!(name("name", good), Ok(()), "{good:?}");
        }
        let long = format!("{}@x.org", "x".repeat(320));
        for bad in ["", "ada", "@x.org", "ada@", "a b@x.org", "a@x.org\n", &long] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(email("ada+b@x.org"), Ok(()));
        let names = |count: usize| vec!["Reader".to_owned(); count];
        assert!(roles("roles", &names(101)).is_err() && some_roles("roles", &[]).is_err());
        assert_eq!((roles("roles", &[]), some_roles("roles", &names(100))), (Ok(()), Ok(())));
        assert!(roles("roles", &[String::new()]).is_err());
    }
}
