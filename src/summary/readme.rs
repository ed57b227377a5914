use std::fmt::Write;

use super::{
    bars::{Bar, Bars},
    profile::Profile,
    sizes::{files, human},
};

/// What a README says besides the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readme<'a> {
    /// `namespace/name`.
    pub package: &'a str,
    /// The heading, where it is not the package's name.
    pub title: Option<&'a str>,
    /// What the package is, in Markdown.
    pub description: Option<&'a str>,
    /// Where it was made from, such as `s3://bucket/prefix/`.
    pub source: Option<&'a str>,
}

/// The text of a package's `README.md`: what it is, what is in it, and how to get it.
pub fn readme(about: &Readme<'_>, profile: &Profile) -> String {
    let package = one_line(about.package);
    let title = about.title.map(one_line).filter(|t| !t.is_empty());
    let mut text = format!("# {}\n", escaped(&title.unwrap_or_else(|| package.clone())));
    if let Some(description) = about.description.map(str::trim).filter(|d| !d.is_empty()) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(text, "\n{description}\n");
    }
    let total = profile.total;
    let _ = write!(text, "\n## Contents\n\n{}, {} in all.", files(total.files), human(total.bytes));
    if let Some(source) = about.source.map(one_line).filter(|s| !s.is_empty()) {
        let _ = write!(text, " Made from {}.", code(&source));
    }
    text.push('\n');
    let folders = profile.by_folder();
    if folders.rows.len() > 1 {
        table(&mut text, "Folder", &folders);
    }
    table(&mut text, "File type", &profile.by_type());
    let _ = write!(
        text,
        "\n## Getting the data\n\nWith the Python client `quilt3`; in place of `BUCKET` goes the bucket \
         that the package is in:\n\n```python\nimport quilt3\n\npackage = quilt3.Package.browse(\"{}\", \
         registry=\"s3://BUCKET\")\npackage.fetch(\"data/\")\n```\n",
        package.replace(['"', '\\', '`'], "")
    );
    text
}

fn table(text: &mut String, first: &str, bars: &Bars) {
    if bars.rows.is_empty() {
        return;
    }
    let _ = write!(text, "\n| {first} | Files | Size |\n|---|---:|---:|\n");
    let row = |label: &str, count: u64, bytes: u64| {
        format!("| {label} | {} | {} |\n", super::sizes::count(count), human(bytes))
    };
    for Bar { label, files, bytes } in &bars.rows {
        // What stands for a name is no name.
        let plain = matches!(label.as_str(), "(top level)" | "no type");
        let label = if plain { label.clone() } else { code(label) };
        text.push_str(&row(&label, *files, *bytes));
    }
    if let Some(other) = &bars.other {
        let label = format!("{} others", super::sizes::count(other.groups));
        text.push_str(&row(&label, other.files, other.bytes));
    }
}

/// A name in a table, as code; what would end the code or the cell is replaced.
fn code(name: &str) -> String {
    format!("`{}`", one_line(name).replace('`', "'").replace('|', "¦"))
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A heading's text, without meaning for Markdown.
fn escaped(text: &str) -> String {
    let special = |c| matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '#' | '|');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: Readme<'_> =
        Readme { package: "lab/cells", title: None, description: None, source: None };

    #[test]
    fn it_says_what_is_in_the_package() {
        let profile =
            Profile::of([("raw/a.csv", 2000), ("raw/b.csv", 1000), ("img/c.png", 500), ("d", 1)]);
        let about = Readme {
            title: Some("Cells, counted"),
            description: Some("Counts of *cells*.\n\nTwo runs."),
            source: Some("s3://lab/raw/"),
            ..ABOUT
        };
        let text = readme(&about, &profile);
        let begins = "# Cells, counted\n\nCounts of *cells*.\n\nTwo runs.\n\n## Contents\n\n4 files, 3.5 kB in all. \
                      Made from `s3://lab/raw/`.\n\n| Folder | Files | Size |\n|---|---:|---:|\n\
                      | `raw/` | 2 | 3 kB |\n| `img/` | 1 | 500 B |\n| (top level) | 1 | 1 B |\n\n\
                      | File type | Files | Size |\n|---|---:|---:|\n| `csv` | 2 | 3 kB |\n";
        assert!(text.starts_with(begins), "{text}");
        assert!(text.contains("quilt3.Package.browse(\"lab/cells\", registry=\"s3://BUCKET\")"));
        assert!(text.ends_with("```\n"));
    }

    #[test]
    fn names_cannot_break_out_of_their_place() {
        let profile = Profile::of([("a|b`c\n# x/y.csv", 1), ("z/y.csv", 1)]);
        let about = Readme { title: Some("<b>\n# two"), ..ABOUT };
        let text = readme(&about, &profile);
        assert!(text.starts_with("# \\<b\\> \\# two\n"), "{text}");
        assert!(text.contains("| `a¦b'c # x/` | 1 | 1 B |"), "{text}");
        assert_eq!(text.matches("\n# ").count(), 0, "{text}");
    }

    #[test]
    fn a_package_without_files_has_a_readme_too() {
        let none: [(&str, u64); 0] = [];
        let text = readme(&ABOUT, &Profile::of(none));
        assert!(
            text.starts_with("# lab/cells\n\n## Contents\n\n0 files, 0 B in all.\n\n## Getting"),
            "{text}"
        );
    }
}
