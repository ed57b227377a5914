//! Going through an index entry by entry, as far as somebody wants to.

use std::io;

use super::block::Block;
use crate::domain::package::{EntryLine, Line};

/// Stands at an entry, or behind the last one.
pub struct Cursor<'a> {
    blocks: std::slice::Iter<'a, Block>,
    block: Option<&'a Block>,
    text: Vec<u8>,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(blocks: &'a [Block]) -> Self {
        let mut blocks = blocks.iter();
        let block = blocks.next();
        Self { blocks, block, text: Vec::new(), at: 0, end: 0 }
    }

    /// The entry where it stands.
    ///
    /// # Errors
    /// None, as long as memory is sound.
    pub fn entry(&mut self) -> io::Result<Option<EntryLine<'_>>> {
        let Some(block) = self.block else { return Ok(None) };
        if self.text.is_empty() {
            self.text = block.text()?;
            self.find_end();
        }
        let line = self.text.get(self.at..self.end).unwrap_or_default();
        match Line::parse(line) {
            Ok(Line::Entry(entry)) => Ok(Some(entry)),
            _ => Err(io::Error::other("a line of an index is no entry")),
        }
    }

    /// Goes to the next one. Does nothing behind the last one.
    pub fn advance(&mut self) {
        if self.text.is_empty() {
            // Nobody has looked at the first one.
            let Ok(Some(_)) = self.entry() else { return };
        }
        self.at = self.end + 1;
        if self.at >= self.text.len() {
            self.next_block();
        } else {
            self.find_end();
        }
    }

    /// Passes over the blocks that both have in common from here on; how many entries that were.
    pub fn skip_same(&mut self, other: &mut Self) -> u64 {
        let mut skipped = 0;
        while let (Some(mine), Some(others)) = (self.begun(), other.begun())
            && mine.is_same(others)
        {
            skipped += mine.entries;
            self.next_block();
            other.next_block();
        }
        skipped
    }

    /// The block at whose beginning it stands.
    fn begun(&self) -> Option<&'a Block> {
        self.block.filter(|_| self.at == 0)
    }

    fn next_block(&mut self) {
        self.block = self.blocks.next();
        self.text.clear();
        (self.at, self.end) = (0, 0);
    }

    fn find_end(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.end = self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }
}
