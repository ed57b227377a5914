//! A manifest in little memory: its lines, sorted and compressed in blocks, each with its first and last
//! key. What a page needs is one or two blocks; what a folder needs is often none.
//!
//! An index is what a manifest says, whoever asks: it grants nothing. Whoever uses one has shown before
//! that he may read that manifest.

mod block;
mod builder;
mod cursor;

use std::{
    io,
    ops::{Bound, ControlFlow},
};

use block::Block;
pub use builder::{Builder, NotIndexed, check_header};
pub use cursor::Cursor;

use crate::domain::package::{
    EntryLine, Header, Line, NotCanonical, TopHash, TopHasher, compare_keys,
};

/// A whole manifest. Never changes.
#[derive(Debug)]
pub struct Index {
    header: Header,
    directories: Vec<Box<[u8]>>,
    blocks: Vec<Block>,
    entries: u64,
    size: u64,
}

impl Index {
    fn new(header: Header, directories: Vec<Box<[u8]>>, blocks: Vec<Block>) -> Self {
        let entries = blocks.iter().map(|block| block.entries).sum();
        let size = blocks.iter().fold(0_u64, |all, block| all.saturating_add(block.size));
        Self { header, directories, blocks, entries, size }
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Says something else about the same entries.
    pub fn set_header(&mut self, header: Header) {
        self.header = header;
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes of all objects.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that it takes in memory.
    pub fn weight(&self) -> usize {
        let directories: usize =
            self.directories.iter().map(|line| weight_of_directory(line)).sum();
        let blocks: usize = self.blocks.iter().map(Block::weight).sum();
        self.header.text().len() + directories + blocks + size_of::<Self>()
    }

    /// The lines about directories, as they were written.
    pub fn directories(&self) -> impl Iterator<Item = Line<'_>> {
        self.directories.iter().filter_map(|line| Line::parse(line).ok())
    }

    /// The same as text, without their ends.
    pub fn directory_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.directories.iter().map(|line| &**line)
    }

    /// Calls `each` for every entry from `begin` on in order, until it breaks.
    ///
    /// # Errors
    /// None, as long as memory is sound.
    pub fn for_each(
        &self,
        begin: Bound<&str>,
        mut each: impl FnMut(&[u8], &EntryLine<'_>) -> ControlFlow<()>,
    ) -> io::Result<()> {
        self.walk(begin, |walked| match walked {
            Walked::Block(_) => Step::Into,
            Walked::Entry(line, entry) => match each(line, entry) {
                ControlFlow::Continue(()) => Step::Over,
                ControlFlow::Break(()) => Step::Out,
            },
        })
    }

    /// The same, but shows each block beforehand, so that it can be passed over unread.
    ///
    /// # Errors
    /// None, as long as memory is sound.
    pub fn walk(
        &self,
        begin: Bound<&str>,
        mut visit: impl FnMut(Walked<'_>) -> Step,
    ) -> io::Result<()> {
        let is_before = |key: &str| match begin {
            Bound::Unbounded => false,
            Bound::Included(begin) => compare_keys(key, begin).is_lt(),
            Bound::Excluded(begin) => compare_keys(key, begin).is_le(),
        };
        let skipped = self.blocks.partition_point(|block| is_before(&block.last));
        for block in self.blocks.iter().skip(skipped) {
            let is_whole = !is_before(&block.first);
            match if is_whole { visit(Walked::Block(block.span())) } else { Step::Into } {
                Step::Over => continue,
                Step::Out => return Ok(()),
                Step::Into => {}
            }
            let mut is_over = false;
            each_line(&block.text()?, |line, entry| {
                if !is_whole && is_before(&entry.logical_key) {
                    return ControlFlow::Continue(());
                }
                is_over = visit(Walked::Entry(line, entry)) == Step::Out;
                if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if is_over {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A reader that goes from entry to entry.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor::new(&self.blocks)
    }

    /// The hash that this manifest should be named by.
    ///
    /// # Errors
    /// Metadata that Python could not have hashed.
    pub fn top_hash(&self) -> Result<TopHash, NotCanonical> {
        let mut hasher = TopHasher::new(&self.header)?;
        let mut result = Ok(());
        let walked = self.for_each(Bound::Unbounded, |_, entry| match hasher.add(entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                result = Err(error);
                ControlFlow::Break(())
            }
        });
        result?;
        walked.map_err(|_| NotCanonical::Syntax)?;
        Ok(hasher.finish())
    }

    /// In how many pieces the manifest's text comes.
    pub fn pieces(&self) -> usize {
        1 + self.blocks.len()
    }

    /// A piece of the manifest's text: header and directories, then entries. Nothing behind the last.
    ///
    /// # Errors
    /// None, as long as memory is sound.
    pub fn piece(&self, number: usize) -> io::Result<Vec<u8>> {
        if let Some(block) = number.checked_sub(1) {
            return self.blocks.get(block).map_or(Ok(Vec::new()), Block::text);
        }
        let mut head = self.header.text().as_bytes().to_vec();
        head.push(b'\n');
        for line in &self.directories {
            head.extend_from_slice(line);
            head.push(b'\n');
        }
        Ok(head)
    }
}

/// Bytes that a line about a directory takes: such lines are not compressed, and may be very short.
fn weight_of_directory(line: &[u8]) -> usize {
    line.len() + 2 * size_of::<Box<[u8]>>()
}

/// What a walk comes to.
pub enum Walked<'a> {
    /// A block that lies behind the beginning as a whole. [`Step::Into`] shows its entries.
    Block(Span<'a>),
    /// An entry, and its line.
    Entry(&'a [u8], &'a EntryLine<'a>),
}

/// What a block is about.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// Its first key.
    pub first: &'a str,
    /// Its last key.
    pub last: &'a str,
    /// How many entries it has.
    pub entries: u64,
    /// Bytes of their objects.
    pub size: u64,
}

/// How a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show the block's entries; behind an entry the same as [`Step::Over`].
    Into,
    /// Go on behind it.
    Over,
    /// End.
    Out,
}

/// The lines of a block. Each was parsed before it was kept.
fn each_line(text: &[u8], mut each: impl FnMut(&[u8], &EntryLine<'_>) -> ControlFlow<()>) {
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(end);
        rest = behind.get(1..).unwrap_or_default();
        if let Ok(Line::Entry(entry)) = Line::parse(line)
            && each(line, &entry).is_break()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(in crate::packages) use tests::{
    line as test_line, of_keys as test_index, of_lines as test_index_of,
};
