//! A few hundred lines of a manifest, compressed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
};

use super::Span;

/// Lines of a manifest that follow each other in the order of their keys.
#[derive(Debug)]
pub(super) struct Block {
    /// The logical key of its first line.
    pub first: Box<str>,
    /// The logical key of its last line.
    pub last: Box<str>,
    /// Lines.
    pub entries: u64,
    /// Bytes of the objects.
    pub size: u64,
    text: Box<[u8]>,
    raw: usize,
}

/// Bytes of text in a block. Larger ones compress better, smaller ones are read faster. Between the two
/// a block ends where a key says so: then two revisions that differ a little have most blocks in common.
const LEAST: usize = 64 * 1024;
const MOST: usize = 256 * 1024;
/// One key of so many ends a block.
const ONE_OF: u64 = 256;
/// Of zstd: 2 and 3 make no less of a manifest, whose hashes are random, and take longer.
const LEVEL: i32 = 1;

impl Block {
    /// Bytes that it takes in memory.
    pub fn weight(&self) -> usize {
        self.text.len() + self.first.len() + self.last.len() + size_of::<Self>()
    }

    pub fn span(&self) -> Span<'_> {
        let Self { first, last, entries, size, .. } = self;
        Span { first, last, entries: *entries, size: *size }
    }

    /// Whether it has the same lines. zstd makes the same of the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.entries, self.raw) == (other.entries, other.raw) && self.text == other.text
    }

    /// Its lines as one text, each with its end.
    ///
    /// # Errors
    /// None, as long as memory is sound: we compressed it.
    pub fn text(&self) -> io::Result<Vec<u8>> {
        zstd::bulk::decompress(&self.text, self.raw)
    }
}

fn is_an_end(key: &str) -> bool {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish().is_multiple_of(ONE_OF)
}

/// Makes blocks of lines that come in order.
#[derive(Default)]
pub(super) struct Blocks {
    done: Vec<Block>,
    weight: usize,
    text: Vec<u8>,
    first: Option<Box<str>>,
    last: String,
    entries: u64,
    size: u64,
}

impl Blocks {
    /// Adds a line, without its end.
    pub fn push(&mut self, key: &str, size: u64, line: &[u8]) -> io::Result<()> {
        let length = self.text.len();
        let is_full = length + line.len() > MOST || (length >= LEAST && is_an_end(&self.last));
        if length > 0 && is_full {
            self.end_block()?;
        }
        self.first.get_or_insert_with(|| key.into());
        self.last.clear();
        self.last.push_str(key);
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.entries += 1;
        self.size = self.size.saturating_add(size);
        Ok(())
    }

    /// The last key so far.
    pub fn last(&self) -> Option<&str> {
        Some(self.last.as_str()).filter(|_| self.first.is_some() || !self.done.is_empty())
    }

    /// All of them.
    pub fn finish(mut self) -> io::Result<Vec<Block>> {
        if self.first.is_some() {
            self.end_block()?;
        }
        Ok(self.done)
    }

    /// Bytes that those take which are done.
    pub fn weight(&self) -> usize {
        self.weight
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = Block {
            first: self.first.take().unwrap_or_default(),
            last: self.last.as_str().into(),
            entries: std::mem::take(&mut self.entries),
            size: std::mem::take(&mut self.size),
            text: zstd::bulk::compress(&self.text, LEVEL)?.into(),
            raw: self.text.len(),
        };
        self.weight += block.weight();
        self.done.push(block);
        self.text.clear();
        Ok(())
    }
}
