//! A manifest's lines → an [`Index`], in whatever order they come.
//!
//! quilt3 writes them in order, and they are compressed as they come. Others do not: their lines are sorted in
//! pieces that fit memory, and the pieces are merged.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    io,
};

use super::{
    Index,
    block::{Block, Blocks},
    weight_of_directory,
};
use crate::domain::package::{EntryLine, Header, Line, Lines, compare_keys, lines::MAX_LINE};

/// Builds an index from the pieces of a manifest as they come.
pub struct Builder {
    lines: Lines,
    rows: Rows,
}

/// Why a manifest has no index.
#[derive(Debug, thiserror::Error)]
pub enum NotIndexed {
    /// The manifest.
    #[error(transparent)]
    Broken(#[from] crate::domain::package::BrokenManifest),
    /// It has no first line.
    #[error("the manifest is empty")]
    Empty,
    /// Two entries of one name.
    #[error("the manifest has two entries with the logical key {0:?}")]
    Twice(String),
    /// A name of both.
    #[error("{0:?} would be an entry and a folder")]
    EntryAndFolder(String),
    /// What an entry that stays points to.
    #[error("{0} would be written over, and an entry that stays points there")]
    Overwritten(String),
    /// A line that no reader takes.
    #[error("{what} would have {bytes} bytes in the manifest; at most {MAX_LINE} are read")]
    TooLong {
        /// Which.
        what: String,
        /// Bytes.
        bytes: usize,
    },
    /// More than is allowed.
    #[error("the manifest is larger than this server takes: compressed it has more than {0} bytes")]
    TooLarge(usize),
    /// The compressor.
    #[error("compressing failed: {0}")]
    Io(#[from] io::Error),
}

/// Text that is sorted at once.
const PIECE: usize = 16 * 1024 * 1024;

struct Rows {
    header: Option<Header>,
    directories: Vec<Box<[u8]>>,
    /// Rows from the first on that was not greater than the last of the runs.
    piece: Vec<Row>,
    bytes: usize,
    is_sorted: bool,
    runs: Vec<Blocks>,
    /// Of compressing; the next [`Rows::spill`] says so.
    fault: Option<io::Error>,
    weight: usize,
    most: usize,
    piece_bytes: usize,
}

struct Row {
    key: Box<str>,
    size: u64,
    line: Box<[u8]>,
}

impl Builder {
    /// For an index of at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self::with_pieces(most, PIECE)
    }

    pub(super) fn with_pieces(most: usize, piece_bytes: usize) -> Self {
        Self {
            lines: Lines::default(),
            rows: Rows {
                header: None,
                directories: Vec::new(),
                piece: Vec::new(),
                bytes: 0,
                is_sorted: true,
                runs: vec![Blocks::default()],
                fault: None,
                weight: 0,
                most,
                piece_bytes,
            },
        }
    }

    /// Takes a piece of the text.
    ///
    /// # Errors
    /// [`NotIndexed`].
    pub fn push(&mut self, piece: &[u8]) -> Result<(), NotIndexed> {
        let rows = &mut self.rows;
        self.lines.push(piece, |line| rows.take(line))?;
        rows.spill(rows.piece_bytes)
    }

    /// Takes a line of another manifest, without its end.
    ///
    /// # Errors
    /// [`NotIndexed`].
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), NotIndexed> {
        let broken = |why| crate::domain::package::BrokenManifest { line: 0, why };
        self.rows.take(line).map_err(broken)?;
        self.rows.spill(self.rows.piece_bytes)
    }

    /// Takes an entry as such.
    ///
    /// # Errors
    /// [`NotIndexed`].
    pub fn add(&mut self, entry: &crate::domain::package::Entry) -> Result<(), NotIndexed> {
        let mut line = Vec::new();
        entry.write(&mut line).map_err(io::Error::from)?;
        line.pop();
        check_length(&line, || format!("the line of {:?}", entry.logical_key))?;
        self.rows.keep(&entry.logical_key, entry.size, &line);
        self.rows.spill(self.rows.piece_bytes)
    }

    /// The header of a manifest that is being made.
    pub fn set_header(&mut self, header: Header) {
        self.rows.header = Some(header);
    }

    /// The index of all that came.
    ///
    /// # Errors
    /// [`NotIndexed`].
    pub fn finish(self) -> Result<Index, NotIndexed> {
        let Self { lines, mut rows } = self;
        lines.finish(|line| rows.take(line))?;
        rows.spill(0)?;
        let header = rows.header.ok_or(NotIndexed::Empty)?;
        check_header(&header)?;
        let blocks = match (rows.runs.pop(), rows.runs.is_empty()) {
            (None, _) => Vec::new(),
            (Some(only), true) => only.finish()?,
            (Some(last), false) => merge(rows.runs.into_iter().chain([last]))?,
        };
        let index = Index::new(header, rows.directories, blocks);
        if index.weight() > rows.most {
            return Err(NotIndexed::TooLarge(rows.most));
        }
        Ok(index)
    }
}

/// The first line, with all of a package's metadata, is a line as well.
///
/// # Errors
/// It is too long to be read again, by quilt3 too.
pub fn check_header(header: &Header) -> Result<(), NotIndexed> {
    check_length(header.text().as_bytes(), || "the header (message, metadata, workflow)".to_owned())
}

fn check_length(line: &[u8], what: impl FnOnce() -> String) -> Result<(), NotIndexed> {
    match line.len() {
        bytes if bytes > MAX_LINE => Err(NotIndexed::TooLong { what: what(), bytes }),
        _ => Ok(()),
    }
}

impl Rows {
    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        if self.header.is_none() {
            self.header = Some(Header::parse(line).map_err(|error| error.to_string())?);
            return Ok(());
        }
        match Line::parse(line).map_err(|error| error.to_string())? {
            Line::Directory { .. } => {
                self.weight += weight_of_directory(line);
                self.directories.push(line.into());
            }
            Line::Entry(EntryLine { logical_key, size, .. }) => self.keep(&logical_key, size, line),
        }
        Ok(())
    }

    fn keep(&mut self, key: &str, size: Option<u64>, line: &[u8]) {
        let size = size.unwrap_or(0);
        if let Some(run) =
            self.runs.last_mut().filter(|run| self.piece.is_empty() && follows(run, key))
        {
            let before = run.weight();
            let pushed = run.push(key, size, line);
            self.fault = self.fault.take().or(pushed.err());
            self.weight += run.weight() - before;
            return;
        }
        let follows = |last: &Row| compare_keys(&last.key, key) == Ordering::Less;
        self.is_sorted &= self.piece.last().is_none_or(follows);
        self.bytes += line.len() + key.len() + size_of::<Row>();
        self.piece.push(Row { key: key.into(), size, line: line.into() });
    }

    /// Compresses the piece, if it has so many bytes.
    fn spill(&mut self, least: usize) -> Result<(), NotIndexed> {
        if let Some(error) = self.fault.take() {
            return Err(error.into());
        }
        if self.bytes >= least.max(1) {
            self.end_piece()?;
        }
        match self.weight > self.most {
            true => Err(NotIndexed::TooLarge(self.most)),
            false => Ok(()),
        }
    }

    fn end_piece(&mut self) -> Result<(), NotIndexed> {
        if !self.is_sorted {
            self.piece.sort_by(|a, b| compare_keys(&a.key, &b.key));
        }
        let begins = self.piece.first().map(|row| row.key.clone()).unwrap_or_default();
        if !self.runs.last().is_some_and(|run| follows(run, &begins)) {
            self.runs.push(Blocks::default());
        }
        let Some(run) = self.runs.last_mut() else { return Ok(()) };
        let before = run.weight();
        for row in self.piece.drain(..) {
            if run.last() == Some(&row.key) {
                return Err(NotIndexed::Twice(row.key.into()));
            }
            run.push(&row.key, row.size, &row.line)?;
        }
        self.weight += run.weight() - before;
        (self.bytes, self.is_sorted) = (0, true);
        Ok(())
    }
}

/// Whether a key may come next in a run.
fn follows(run: &Blocks, key: &str) -> bool {
    run.last().is_none_or(|last| compare_keys(last, key) == Ordering::Less)
}

/// One run, read from its beginning. What is read is given back to memory.
struct Run {
    blocks: std::vec::IntoIter<Block>,
    rows: std::vec::IntoIter<Row>,
}

impl Run {
    fn next(&mut self) -> Result<Option<Row>, NotIndexed> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(block) = self.blocks.next() else { return Ok(None) };
            let mut rows = Vec::new();
            super::each_line(&block.text()?, |line, entry| {
                let (key, size) = (entry.logical_key.as_ref().into(), entry.size.unwrap_or(0));
                rows.push(Row { key, size, line: line.into() });
                std::ops::ControlFlow::Continue(())
            });
            self.rows = rows.into_iter();
        }
    }
}

/// The next row of a run, ordered by its key.
struct Head {
    row: Row,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_keys(&self.row.key, &other.row.key).then(self.run.cmp(&other.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

fn merge(runs: impl Iterator<Item = Blocks>) -> Result<Vec<Block>, NotIndexed> {
    let mut open = Vec::new();
    for run in runs {
        open.push(Run { blocks: run.finish()?.into_iter(), rows: Vec::new().into_iter() });
    }
    let (mut heads, mut merged) = (BinaryHeap::new(), Blocks::default());
    for (number, run) in open.iter_mut().enumerate() {
        heads.extend(run.next()?.map(|row| Reverse(Head { row, run: number })));
    }
    while let Some(Reverse(Head { row, run: number })) = heads.pop() {
        if merged.last() == Some(&row.key) {
            return Err(NotIndexed::Twice(row.key.into()));
        }
        merged.push(&row.key, row.size, &row.line)?;
        if let Some(run) = open.get_mut(number) {
            heads.extend(run.next()?.map(|row| Reverse(Head { row, run: number })));
        }
    }
    Ok(merged.finish()?)
}
