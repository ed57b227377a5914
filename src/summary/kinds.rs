use std::borrow::Cow;

/// What a file is for, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `README.md` and its like.
    Readme,
    /// A picture that browsers show.
    Picture,
    /// Rows and columns that the catalog previews.
    Table,
    /// A Jupyter notebook.
    Notebook,
    /// A document or anything else.
    Other,
}

/// Endings that say how a file is packed, and not what is in it.
const PACKED: &[&str] = &["gz", "bz2", "xz", "zst", "lz4"];

/// A file's type, for grouping: its ending in lower case, with the one before where it only says how
/// the file is packed (`fastq.gz`). Without an ending, or with one that is none: empty.
pub fn file_type(logical_key: &str) -> Cow<'_, str> {
    let name = logical_key.rsplit('/').next().unwrap_or_default();
    // A dot in front hides a file and ends nothing.
    let mut parts = name.trim_start_matches('.').rsplit('.');
    let (last, before, more) = (parts.next(), parts.next(), parts.next());
    let (Some(last), Some(before)) = (last, before) else { return Cow::Borrowed("") };
    if !is_ending(last) {
        return Cow::Borrowed("");
    }
    let packed = PACKED.iter().any(|p| last.eq_ignore_ascii_case(p));
    if packed && more.is_some() && is_ending(before) {
        return Cow::Owned(format!("{before}.{last}").to_ascii_lowercase());
    }
    match last.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(last.to_ascii_lowercase()),
        false => Cow::Borrowed(last),
    }
}

/// Short, and not a number alone: `run.2024` has no type.
fn is_ending(part: &str) -> bool {
    (1..=10).contains(&part.len())
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && part.bytes().any(|b| b.is_ascii_alphabetic())
}

/// What a file is for.
pub fn kind(logical_key: &str) -> Kind {
    let name = logical_key.rsplit('/').next().unwrap_or_default();
    let readme = ["readme.md", "readme.txt", "readme.ipynb", "readme"];
    if readme.iter().any(|r| name.eq_ignore_ascii_case(r)) {
        return Kind::Readme;
    }
    let file_type = file_type(logical_key);
    match file_type.strip_suffix(".gz").unwrap_or(&file_type) {
        "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "tif" | "tiff"
            if !file_type.ends_with(".gz") =>
        {
            Kind::Picture
        }
        "csv" | "tsv" | "parquet" | "xls" | "xlsx" | "jsonl" => Kind::Table,
        "ipynb" => Kind::Notebook,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_endings_that_say_something() {
        for (key, expected) in [
            ("a/b.csv", "csv"),
            ("a/B.TIFF", "tiff"),
            ("reads_R1.fastq.gz", "fastq.gz"),
            ("x.tar.GZ", "tar.gz"),
            ("archive.gz", "gz"),
            ("v1.0.gz", "gz"),
            (".gitignore", ""),
            (".config.json", "json"),
            ("Makefile", ""),
            ("a.b/c", ""),
            ("run.2024", ""),
            ("x.", ""),
            ("x.this is text", ""),
            ("x.mp4", "mp4"),
            ("", ""),
            ("ü.tsv", "tsv"),
        ] {
            assert_eq!(file_type(key), expected, "{key}");
        }
    }

    #[test]
    fn kinds_are_what_the_catalog_can_show() {
        for (key, expected) in [
            ("README.md", Kind::Readme),
            ("docs/readme.TXT", Kind::Readme),
            ("readme.csv", Kind::Table),
            ("a.PNG", Kind::Picture),
            ("a.png.gz", Kind::Other),
            ("a.csv.gz", Kind::Table),
            ("a.parquet", Kind::Table),
            ("a.ipynb", Kind::Notebook),
            ("a.bam", Kind::Other),
        ] {
            assert_eq!(kind(key), expected, "{key}");
        }
    }
}
