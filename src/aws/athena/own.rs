//! Whose query is it? Athena keeps the queries of a workgroup, and not whose they are.
//!
//! So a query that Trino reads ends with a comment that names its caller. It is the last line, behind all
//! that the caller wrote, so nobody can write another's; and everything that reads queries, results or
//! history here looks for it, on whichever replica, also after a restart. SHOW and DESCRIBE go to a parser
//! that knows no comments: those are remembered by the process that started them.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use super::{Athena, Execution};
use crate::{
    aws::Holder,
    domain::sql::{Checked, Kind},
    turns::User,
};

const MARK: &str = "\n-- quilt-mcp-server caller ";
/// Queries without a comment that are remembered, of all callers; the oldest are forgotten.
const MOST: u64 = 20_000;
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// The queries without a comment that were started here.
pub struct Own(Cache<(User, Arc<str>), ()>);

impl Own {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(KEPT).build())
    }
}

/// Bytes that a comment adds to a query.
pub(super) const MARK_BYTES: usize = MARK.len() + 24;

/// The caller, as the comment has it: 24 hex digits of a hash over the realm and the subject.
pub(super) fn fingerprint(holder: &Holder) -> String {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in [&*holder.realm, &*holder.subject] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish().as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// The text that is sent for a statement.
pub(super) fn marked(statement: &Checked, holder: &Holder) -> String {
    match statement.kind {
        Kind::Show | Kind::Describe => statement.text().to_owned(),
        _ => format!("{}{MARK}{}", statement.text(), fingerprint(holder)),
    }
}

/// A query's text without the comment.
pub(super) fn unmarked(text: &str) -> &str {
    text.rsplit_once(MARK).map_or(text, |(text, _)| text)
}

impl Athena {
    /// Whether the caller started a query.
    pub fn is_own(&self, query: &Execution) -> bool {
        let by = query.marked_by.as_deref();
        by == Some(&fingerprint(&self.holder)) || (by.is_none() && self.is_remembered(&query.id))
    }

    /// Remembers a query that no comment can tell.
    pub(super) fn remember(&self, id: &str) {
        self.shared.own.0.insert((self.holder.user(), id.into()), ());
    }

    fn is_remembered(&self, id: &str) -> bool {
        self.shared.own.0.contains_key(&(self.holder.user(), id.into()))
    }
}

/// Who is named by a query's last line.
pub(super) fn marked_by(text: &str) -> Option<String> {
    let (_, by) = text.rsplit_once(MARK)?;
    let is_hex = by.len() == 24 && by.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| by.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sql;

    fn holder(realm: &str, subject: &str) -> Holder {
        Holder { realm: realm.into(), subject: subject.into(), jwt_id: None, expires_at: None }
    }

    #[test]
    fn a_query_ends_with_its_caller() {
        let alice = holder("enhanced", "alice");
        let text = marked(&sql::check("SELECT 1;").unwrap(), &alice);
        assert_eq!(marked_by(&text), Some(fingerprint(&alice)));
        assert_eq!(unmarked(&text), "SELECT 1");
        assert_eq!(text.len(), "SELECT 1".len() + MARK_BYTES);
        assert_eq!(marked(&sql::check("SHOW TABLES").unwrap(), &alice), "SHOW TABLES");
        assert_eq!(marked_by("SELECT 1"), None);
        for other in [holder("enhanced", "alic"), holder("catalog", "alice"), holder("a", "")] {
            assert_ne!(fingerprint(&other), fingerprint(&alice));
        }
        assert_ne!(fingerprint(&holder("ab", "c")), fingerprint(&holder("a", "bc")));
    }

    #[test]
    fn nobody_writes_another_s_comment() {
        let (alice, mallory) = (holder("r", "alice"), holder("r", "mallory"));
        let forged = format!("{MARK}{}", fingerprint(&alice));
        for text in [format!("SELECT 1{forged}"), format!("SELECT '{forged}'")] {
            let sent = marked(&sql::check(&text).unwrap(), &mallory);
            assert_eq!(marked_by(&sent), Some(fingerprint(&mallory)), "{sent}");
        }
    }
}
