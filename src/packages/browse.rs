//! Pages of a package: its entries, or the children of one folder.

use std::{
    io,
    ops::{Bound, ControlFlow},
};

use super::{
    Index, Selection,
    index::{Step, Walked},
    search::Query,
};

/// What came of going through entries page by page.
#[derive(Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page begins: behind this key. `None` on the last one.
    pub next: Option<String>,
}

/// A child of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Child {
    /// Entries below it.
    Folder {
        /// Ends with a slash.
        path: String,
        /// How many, at any depth.
        entries: u64,
        /// Bytes of their objects.
        size: u64,
    },
    /// An entry of the folder itself, as its line.
    Entry(Box<[u8]>),
}

/// Bytes of lines on one page; the first line may be longer.
const MAX_PAGE: usize = 4 * 1024 * 1024;

/// The lines of entries that are chosen and found, in order, behind the key `after`.
///
/// # Errors
/// None, as long as memory is sound.
pub fn entries(
    index: &Index,
    selection: &Selection,
    query: &Query,
    after: Option<&str>,
    most: usize,
) -> io::Result<Page<Box<[u8]>>> {
    let prefix = selection.prefix();
    let (mut items, mut last, mut is_more) = (Vec::new(), None::<String>, false);
    let mut bytes = 0;
    index.for_each(begin(prefix, after), |line, entry| {
        let key = &*entry.logical_key;
        if !key.starts_with(prefix) {
            // What has the prefix stands together.
            return ControlFlow::Break(());
        }
        if !selection.has(key) || query.find(entry).is_none() {
            return ControlFlow::Continue(());
        }
        if items.len() == most || bytes > MAX_PAGE {
            is_more = true;
            return ControlFlow::Break(());
        }
        bytes += line.len();
        items.push(line.into());
        last = Some(key.to_owned());
        ControlFlow::Continue(())
    })?;
    Ok(Page { items, next: last.filter(|_| is_more) })
}

/// The children of the folder `path` (empty, or with a slash at its end) behind the child that `after`
/// is about.
///
/// # Errors
/// None, as long as memory is sound.
pub fn children(
    index: &Index,
    path: &str,
    after: Option<&str>,
    most: usize,
) -> io::Result<Page<Child>> {
    let (mut items, mut is_more): (Vec<Child>, bool) = (Vec::new(), false);
    let mut last = None::<String>;
    index.walk(begin(path, after), |walked| {
        let (first, is_block) = match &walked {
            Walked::Block(span) => (span.first, true),
            Walked::Entry(_, entry) => (&*entry.logical_key, false),
        };
        let Some(rest) = first.strip_prefix(path) else {
            // A block may begin before the folder and reach into it; an entry before it does not.
            return if is_block { Step::Into } else { Step::Out };
        };
        let folder = rest.split_once('/').map(|(name, _)| format!("{path}{name}/"));
        if let (Walked::Block(span), Some(folder)) = (&walked, &folder)
            && !span.last.starts_with(folder.as_str())
        {
            return Step::Into;
        }
        if is_block && folder.is_none() {
            return Step::Into;
        }
        let (entries, size) = match &walked {
            Walked::Block(span) => (span.entries, span.size),
            Walked::Entry(_, entry) => (1, entry.size.unwrap_or(0)),
        };
        if let (Some(folder), Some(Child::Folder { path, entries: n, size: all })) =
            (&folder, items.last_mut())
            && path == folder
        {
            *n += entries;
            *all = all.saturating_add(size);
            return Step::Over;
        }
        if items.len() == most {
            is_more = true;
            return Step::Out;
        }
        last = Some(behind(folder.as_deref().unwrap_or(first)));
        items.push(match (folder, walked) {
            (Some(path), _) => Child::Folder { path, entries, size },
            (None, Walked::Entry(line, _)) => Child::Entry(line.into()),
            // Handled above.
            (None, Walked::Block(_)) => return Step::Into,
        });
        Step::Over
    })?;
    Ok(Page { items, next: last.filter(|_| is_more) })
}

/// Where a page begins that follows this child (a key, or a folder with its slash): behind all that is in it, and
/// before everything else. NUL is in no key, and greater than a slash in their order.
pub fn behind(child: &str) -> String {
    match child.strip_suffix('/') {
        Some(folder) => format!("{folder}\0"),
        None => child.to_owned(),
    }
}

fn begin<'a>(prefix: &'a str, after: Option<&'a str>) -> Bound<&'a str> {
    match after {
        Some(after) => Bound::Excluded(after),
        None if prefix.is_empty() => Bound::Unbounded,
        None => Bound::Included(prefix),
    }
}

#[cfg(test)]
#[path = "browse_tests.rs"]
mod tests;
