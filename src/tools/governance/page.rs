//! One page of a list that the registry gives as a whole.

use crate::tools::{bounds, prelude::*};

/// Entries of one page, at most.
pub const MOST: usize = 1000;

/// A page.
pub struct Page<T> {
    /// In the order of their names.
    pub entries: Vec<T>,
    /// The name after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// A number of entries on a page.
///
/// # Errors
/// It is not from 1 to [`MOST`].
pub fn limit(asked: i64) -> Result<usize> {
    let limit = usize::try_from(asked).ok().filter(|n| (1..=MOST).contains(n));
    limit.ok_or_else(|| ToolError::invalid_arguments(format!("limit must be from 1 to {MOST}")))
}

/// The entries behind `after` in the order of their names: at most `limit`, and no more than an answer
/// has room for.
pub fn of<T: Serialize>(
    mut all: Vec<T>,
    name: impl Fn(&T) -> &str,
    after: Option<&str>,
    limit: usize,
) -> Page<T> {
    all.sort_by(|a, b| name(a).cmp(name(b)));
    let mut behind =
        all.into_iter().filter(|e| after.is_none_or(|after| name(e) > after)).peekable();
    let (mut entries, mut room) = (Vec::new(), bounds::ROOM);
    while entries.len() < limit
        && let Some(next) = behind.peek()
    {
        let cost = bounds::cost_of(next);
        // The first always goes: a page without any would never end.
        if cost > room && !entries.is_empty() {
            break;
        }
        room = room.saturating_sub(cost);
        entries.extend(behind.next());
    }
    let next = behind.peek().and(entries.last()).map(|last| name(last).to_owned());
    Page { entries, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(all: &[String], limit: usize) -> Vec<Vec<String>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = of(all.to_vec(), |name| name, after.as_deref(), limit);
            found.push(page.entries);
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn pages_have_every_entry_once_in_order_and_end() {
        let names: Vec<String> = ["c", "a", "b", "e", "d"].map(str::to_owned).into();
        assert_eq!(pages(&names, 2), [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
        assert_eq!(pages(&names, 5), [["a", "b", "c", "d", "e"]]);
        assert_eq!(pages(&[], 5), [Vec::<String>::new()]);
    }

    #[test]
    fn a_page_has_room_and_is_never_empty_where_there_is_more() {
        let long = |n: usize| format!("{n}{}", "x".repeat(bounds::ROOM / 5));
        let names: Vec<String> = (0..5).map(long).collect();
        assert_eq!(pages(&names, 100).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        let longer = vec!["y".repeat(bounds::ROOM), "z".repeat(bounds::ROOM)];
        assert_eq!(pages(&longer, 100).len(), 2);
    }
}
