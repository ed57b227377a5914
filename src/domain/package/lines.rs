//! A manifest's text in pieces, as it comes from S3, cut into lines.

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the manifest is broken: {why}")]
pub struct BrokenManifest {
    /// From 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Bytes of one line; quilt3 writes no longer ones (`QUILT_MANIFEST_MAX_RECORD_SIZE`).
pub const MAX_LINE: usize = 1_000_000;

/// Cuts pieces into lines. Holds no more than one line.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    line: u64,
}

impl Lines {
    /// Takes a piece, and calls `each` for every line that ends in it, with its number.
    ///
    /// # Errors
    /// A line is too long, or what `each` says is wrong with one.
    pub fn push(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), BrokenManifest> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            match self.begun.is_empty() {
                true => self.give(line, &mut each)?,
                false => {
                    let mut whole = std::mem::take(&mut self.begun);
                    whole.extend_from_slice(line);
                    self.give(&whole, &mut each)?;
                    // Its room is used again.
                    whole.clear();
                    self.begun = whole;
                }
            }
        }
        self.begun.extend_from_slice(rest);
        self.check(self.begun.len())
    }

    /// The last line, if it has no end of its own; then the number of lines.
    ///
    /// # Errors
    /// As [`Lines::push`].
    pub fn finish(
        mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<u64, BrokenManifest> {
        let last = std::mem::take(&mut self.begun);
        if !last.is_empty() {
            self.give(&last, &mut each)?;
        }
        Ok(self.line)
    }

    fn give(
        &mut self,
        line: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), BrokenManifest> {
        self.check(line.len())?;
        self.line += 1;
        // Old clients left empty lines; they say nothing.
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        each(line).map_err(|why| BrokenManifest { line: self.line, why })
    }

    fn check(&self, length: usize) -> Result<(), BrokenManifest> {
        match length > MAX_LINE {
            true => Err(BrokenManifest {
                line: self.line + 1,
                why: format!("it is longer than {MAX_LINE} bytes"),
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Result<(Vec<String>, u64), BrokenManifest> {
        let (mut reader, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            reader.push(piece, |line| {
                found.push(String::from_utf8_lossy(line).into_owned());
                Ok(())
            })?;
        }
        let count = reader.finish(|line| {
            found.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        })?;
        Ok((found, count))
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = "one\ntwo é\n\n{}\nlast";
        let whole = lines(&[text.as_bytes()]).unwrap();
        assert_eq!(whole, (["one", "two é", "{}", "last"].map(str::to_owned).to_vec(), 5));
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(lines(&pieces).unwrap(), whole, "{size}");
        }
        assert_eq!(lines(&[b"a\n"]).unwrap().1, 1, "an end is no line");
    }

    #[test]
    fn a_line_that_is_too_long_or_wrong_is_named() {
        let long = vec![b'x'; MAX_LINE + 1];
        let error = lines(&[b"a\n", &long]).unwrap_err();
        assert_eq!((error.line, error.why.as_str()), (2, "it is longer than 1000000 bytes"));
        let fits = vec![b'x'; MAX_LINE];
        assert!(lines(&[&fits, b"\n"]).is_ok());
        let mut reader = Lines::default();
        let error = reader.push(b"a\nb\n", |line| match line {
            b"b" => Err("no".to_owned()),
            _ => Ok(()),
        });
        assert_eq!(error.unwrap_err().to_string(), "line 2 of the manifest is broken: no");
    }
}
