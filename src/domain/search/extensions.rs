//! Hints about extensions: `*.csv`, `.csv files`, `csv and json files`.

use super::{
    filters::extension,
    words::{Word, begins},
};

/// Words before "files" that are extensions, and hardly anything else. What is not among them takes a dot
/// or a star: "large files" and "raw files" are no extensions.
pub(super) const KNOWN: &[&str] = &[
    "7z", "arrow", "avi", "avro", "bai", "bam", "bcf", "bed", "bedgraph", "bigwig", "bmp", "bw",
    "bz2", "cif", "cram", "css", "csv", "czi", "dcm", "doc", "docx", "fa", "faa", "fasta", "fastq",
    "fcs", "feather", "fna", "fq", "geojson", "gff", "gff3", "gif", "gtf", "gz", "h5", "h5ad",
    "hdf5", "htm", "html", "ipynb", "jpeg", "jpg", "js", "json", "jsonl", "lif", "log", "loom",
    "maf", "mat", "md", "mkv", "mov", "mp3", "mp4", "mzml", "nc", "nd2", "ndjson", "nii", "npy",
    "npz", "orc", "parquet", "pdb", "pdf", "pickle", "pkl", "png", "ppt", "pptx", "pq", "py",
    "rda", "rdata", "rds", "rmd", "rst", "sam", "sdf", "sh", "sql", "sra", "svg", "svs", "tar",
    "tgz", "tif", "tiff", "ts", "tsv", "txt", "vcf", "wav", "webp", "xls", "xlsm", "xlsx", "xml",
    "xz", "yaml", "yml", "zarr", "zip", "zst",
];

/// Extensions, and how many words said so.
pub(super) fn extensions(words: &[Word<'_>]) -> Option<(Vec<String>, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    // `(csv|.csv|*.csv) ([and|or] …)* files`
    while let Some(item) = words.get(at).and_then(item) {
        if !found.contains(&item) {
            found.push(item);
        }
        at += 1;
        let rest = words.get(at..).unwrap_or_default();
        if begins(rest, &["files"]) || begins(rest, &["file"]) {
            return Some((found, at + 1));
        }
        at += usize::from(["and", "or"].iter().any(|word| begins(rest, &[word])));
    }
    // Without "files": a star says enough, and so does a dot before what is known.
    let alone = words.first()?;
    let says = alone.bare.starts_with("*.") || alone.bare.strip_prefix('.').is_some_and(is_known);
    says.then(|| item(alone)).flatten().map(|item| (vec![item], 1))
}

fn item(word: &Word<'_>) -> Option<String> {
    let marked = word.bare.starts_with('.') || word.bare.starts_with("*.");
    (marked || is_known(&word.bare)).then(|| extension(&word.bare)).flatten()
}

fn is_known(bare: &str) -> bool {
    // Of `csv.gz`, the first part.
    let first = bare.split('.').next().unwrap_or_default();
    KNOWN.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::{super::words::split, *};

    #[test]
    fn what_is_an_extension_and_what_is_not() {
        let read = |text| extensions(&split(text));
        let is = |list: &[&str], n| Some((list.iter().map(|e| (*e).to_owned()).collect(), n));
        assert_eq!(read("csv files x"), is(&[".csv"], 2));
        assert_eq!(read("CSV, .XYZ or *.json file"), is(&[".csv", ".xyz", ".json"], 5));
        assert_eq!(read("csv and csv files"), is(&[".csv"], 4));
        assert_eq!(read("*.anything"), is(&[".anything"], 1));
        assert_eq!(read("*.tar.gz x"), is(&[".tar.gz"], 1));
        assert_eq!(read(".csv"), is(&[".csv"], 1));
        assert_eq!(read("csv.gz files"), is(&[".csv.gz"], 2));
        for none in [
            "large files",
            "raw files",
            "csv",
            "csv data",
            ".net code",
            "*.*",
            "* files",
            "files",
            "and csv files",
            "csv and large files",
            "\"csv\" files",
            "data/*.csv",
            "",
            "...",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(KNOWN.is_sorted());
    }
}
