use serde::Serialize;

use super::{
    kinds::{Kind, file_type, kind},
    sizes::human,
};

/// The file that the catalog reads, in any folder of a package.
pub const SUMMARIZE_KEY: &str = "quilt_summarize.json";

/// Pictures beside each other.
const COLUMNS: usize = 3;

/// The largest file that is worth a preview, in bytes; the catalog shows only the beginning anyway.
const MAX_PREVIEW: u64 = 2_000_000_000;

/// What the summary should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Files at most; the catalog shows seven rows, and the others on demand.
    pub most: usize,
    /// Whether the package's own `README.md` comes first. The catalog shows it anyway, above the
    /// summary; other programs that read the file do not.
    pub readme: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { most: 12, readme: true }
    }
}

/// A row of the summary: one file, or several beside each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// As wide as the page.
    One(Item),
    /// In columns.
    Beside(Vec<Item>),
}

/// One file of the summary, as the catalog reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Relative to the summary's own folder.
    pub path: String,
    /// Shown in place of the path.
    pub title: String,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the whole file is shown at once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expand: bool,
    /// How it is shown, where the catalog would not know by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<&'static str>,
}

/// What is worth a look in a package: its README, pictures, tables and notebooks, those of the upper
/// folders first. As JSON it is the `quilt_summarize.json` of the package's root.
///
/// Pictures, tables and notebooks share the places; where one has fewer, the others get more.
pub fn summarize<K: AsRef<str>>(
    entries: impl IntoIterator<Item = (K, u64)>,
    wanted: Wanted,
) -> Vec<Row> {
    let mut found = [const { Vec::new() }; 4];
    for (key, bytes) in entries {
        let key = key.as_ref();
        let kind = kind(key);
        let shown = bytes > 0 && bytes <= MAX_PREVIEW && !is_hidden(key);
        let wanted_readme = wanted.readme || !key.eq_ignore_ascii_case("readme.md");
        let list = match kind {
            Kind::Readme if wanted_readme => found.first_mut(),
            Kind::Picture => found.get_mut(1),
            Kind::Table => found.get_mut(2),
            Kind::Notebook => found.get_mut(3),
            Kind::Readme | Kind::Other => None,
        };
        if let Some(list) = list.filter(|_| shown) {
            list.push((order(key), key.to_owned(), bytes));
            // Sorted now and then: a million pictures are never held.
            if list.len() > 4 * wanted.most + 64 {
                keep(list, wanted.most);
            }
        }
    }
    found.iter_mut().for_each(|list| keep(list, wanted.most));
    let [readmes, pictures, tables, notebooks] = share(found, wanted.most);
    let mut rows: Vec<Row> = readmes.iter().map(|f| Row::One(item(f, Kind::Readme))).collect();
    let pictures: Vec<Item> = pictures.iter().map(|f| item(f, Kind::Picture)).collect();
    rows.extend(pictures.chunks(COLUMNS).map(|row| match row {
        [one] => Row::One(one.clone()),
        several => Row::Beside(several.to_vec()),
    }));
    rows.extend(tables.iter().map(|f| Row::One(item(f, Kind::Table))));
    rows.extend(notebooks.iter().map(|f| Row::One(item(f, Kind::Notebook))));
    rows
}

/// Its order (by depth, then by name), its key and its size.
type Found = ((usize, String), String, u64);

fn order(key: &str) -> (usize, String) {
    (key.matches('/').count(), key.to_lowercase())
}

fn keep(list: &mut Vec<Found>, most: usize) {
    list.sort();
    list.truncate(most);
}

/// One README, and the others in turns until all places are taken.
fn share([readmes, pictures, tables, notebooks]: [Vec<Found>; 4], most: usize) -> [Vec<Found>; 4] {
    let readmes: Vec<Found> = readmes.into_iter().take(1.min(most)).collect();
    let mut left = most - readmes.len();
    let mut counts = [0; 3];
    let lists = [&pictures, &tables, &notebooks];
    while left > 0 {
        let before = left;
        for (count, list) in counts.iter_mut().zip(lists) {
            if left > 0 && *count < list.len() {
                *count += 1;
                left -= 1;
            }
        }
        if before == left {
            break;
        }
    }
    let [p, t, n] = counts;
    let first = |list: Vec<Found>, count| list.into_iter().take(count).collect();
    [readmes, first(pictures, p), first(tables, t), first(notebooks, n)]
}

/// Files and folders with a dot in front, and what this server writes itself.
fn is_hidden(key: &str) -> bool {
    key.split('/').any(|part| part.starts_with('.'))
}

fn item((_, key, bytes): &Found, kind: Kind) -> Item {
    let name = key.rsplit('/').next().unwrap_or(key);
    let folder = key.strip_suffix(name).unwrap_or_default();
    let said = match (file_type(key), folder) {
        (file_type, "") => format!("{file_type}, {}", human(*bytes)),
        (file_type, folder) => {
            format!("{file_type}, {}, in `{}`", human(*bytes), folder.replace('`', "'"))
        }
    };
    Item {
        path: relative(key),
        title: name.to_owned(),
        description: (kind != Kind::Readme).then_some(said),
        expand: matches!(kind, Kind::Readme | Kind::Picture),
        types: if kind == Kind::Table && perspective(key) {
            vec!["perspective"]
        } else {
            Vec::new()
        },
    }
}

/// The catalog shows these tables as a grid that can be filtered.
fn perspective(key: &str) -> bool {
    matches!(&*file_type(key), "csv" | "tsv" | "xls" | "xlsx" | "jsonl" | "parquet")
}

/// A key as a path. The catalog reads `https:`, `s3:` and a leading slash in front otherwise.
fn relative(key: &str) -> String {
    let head = key.split('/').next().unwrap_or_default();
    if key.starts_with('/') || head.contains(':') { format!("./{key}") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn json_of(entries: &[(&str, u64)], wanted: Wanted) -> Value {
        serde_json::to_value(summarize(entries.iter().copied(), wanted)).unwrap()
    }

    #[test]
    fn it_is_the_list_that_the_catalog_reads() {
        let entries = [
            ("z.ipynb", 10),
            ("deep/er/a.png", 10),
            ("b.csv", 1500),
            ("README.md", 10),
            ("a.png", 10),
            ("deep/c.png", 2000),
            ("x.bam", 10),
            (".hidden/d.png", 10),
            ("empty.csv", 0),
            ("https:/x.csv", 7),
            ("deep/README.md", 5),
        ];
        let expected = json!([
            {"path": "README.md", "title": "README.md", "expand": true},
            [
                {"path": "a.png", "title": "a.png", "description": "png, 10 B", "expand": true},
                {"path": "deep/c.png", "title": "c.png", "description": "png, 2 kB, in `deep/`", "expand": true},
                {"path": "deep/er/a.png", "title": "a.png", "description": "png, 10 B, in `deep/er/`", "expand": true},
            ],
            {"path": "b.csv", "title": "b.csv", "description": "csv, 1.5 kB", "types": ["perspective"]},
            {"path": "./https:/x.csv", "title": "x.csv", "description": "csv, 7 B, in `https:/`", "types": ["perspective"]},
            {"path": "z.ipynb", "title": "z.ipynb", "description": "ipynb, 10 B"},
        ]);
        assert_eq!(json_of(&entries, Wanted::default()), expected);
    }

    #[test]
    fn the_catalog_s_schema_accepts_it() {
        // The format as the catalog checks it before it shows anything, in short.
        let file = json!({"oneOf": [
            {"type": "string"},
            {"type": "object", "required": ["path"], "properties": {
                "path": {"type": "string"}, "title": {"type": "string"}, "description": {"type": "string"},
                "expand": {"type": "boolean"},
                "types": {"type": "array", "items": {"enum": ["echarts", "json", "jupyter", "perspective", "vega", "voila", "igv"]}},
            }},
        ]});
        let schema = json!({"type": "array", "items": {"anyOf": [file.clone(), {"type": "array", "items": file}]}});
        let entries: Vec<(String, u64)> = (0..50)
            .map(|n| (format!("f{n}.{}", ["png", "csv", "ipynb", "md"][n % 4]), 100))
            .collect();
        let rows = serde_json::to_value(summarize(entries, Wanted::default())).unwrap();
        assert!(jsonschema::is_valid(&schema, &rows), "{rows}");
        assert!(
            !jsonschema::is_valid(&schema, &json!({"package_info": {}})),
            "the schema can say no"
        );
    }

    #[test]
    fn places_are_shared_and_never_exceeded() {
        let files = |row: &Row| match row {
            Row::One(_) => 1,
            Row::Beside(items) => items.len(),
        };
        for most in 0..20 {
            let many = (0..5000).map(|n| (format!("{}/p{n}.png", n % 7), 1));
            let tables = (0..2).map(|n| (format!("t{n}.csv"), 1));
            let all = many.chain(tables).chain([("README.md".to_owned(), 1)]);
            let rows = summarize(all, Wanted { most, readme: true });
            assert_eq!(rows.iter().map(files).sum::<usize>(), most);
        }
        let none: [(&str, u64); 0] = [];
        assert!(summarize(none, Wanted::default()).is_empty());
        let twice = [("README.md", 5), ("a.csv", 5)];
        let rows = summarize(twice, Wanted { readme: false, ..Wanted::default() });
        assert_eq!(rows.len(), 1, "the catalog shows the README itself");
    }
}
