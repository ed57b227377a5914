//! Tables as they are asked for, written and read.

use super::*;

fn column(name: &str, column_type: &str) -> DraftColumn {
    DraftColumn { name: name.to_owned(), column_type: column_type.to_owned(), nullable: None }
}

fn draft() -> Draft {
    Draft {
        schema: vec![column("name", "STRING"), column("length", "INT"), column("tpm", "FLOAT")],
        package_name: r"^ccle/(?<date>[^_]+)_(?<study_id>[^_]+)_nfcore_rnaseq$".to_owned(),
        logical_key: r"salmon/(?<sample_id>[^/]+)/quant*\.genes\.sf$".to_owned(),
        format: "csv".to_owned(),
        ..Draft::default()
    }
}

fn places(error: &InvalidTable) -> Vec<&str> {
    error.0.iter().map(|violation| violation.place.as_str()).collect()
}

const WRITTEN: &str = r#"schema:
  - name: name
    type: STRING
  - name: length
    type: INT
  - name: tpm
    type: FLOAT
source:
  type: quilt-packages
  package_name: "^ccle/(?<date>[^_]+)_(?<study_id>[^_]+)_nfcore_rnaseq$"
  logical_key: "salmon/(?<sample_id>[^/]+)/quant*\\.genes\\.sf$"
parser:
  format: csv
  delimiter: "\t"
  header: true
"#;

#[test]
fn the_example_of_the_documentation() {
    let asked = Draft { format: "tsv".to_owned(), header: Some(true), ..draft() };
    let table = asked.check().unwrap();
    assert_eq!(table.to_yaml(), WRITTEN);
    assert_eq!(Table::from_yaml(WRITTEN), Ok(table.clone()));
    assert_eq!(table.group_columns(), ["date", "study_id", "sample_id"]);
    assert!(table.doubts().is_empty());
    // The same, as the documentation has it.
    let csv = Draft { delimiter: Some("\t".to_owned()), header: Some(true), ..draft() };
    assert_eq!(csv.check(), Ok(table));
}

#[test]
fn every_member_is_written_and_read() {
    let mut asked = draft();
    asked.schema = vec![column("no", "BIGINT"), column("N", "DATE")];
    asked.schema[0].nullable = Some(false);
    asked.delimiter = Some("|".to_owned());
    asked.header = Some(false);
    asked.skip_rows = Some(3);
    asked.continue_on_error = Some(true);
    let table = asked.check().unwrap();
    let yaml = table.to_yaml();
    let parts = [
        "  - name: \"no\"\n    type: BIGINT\n    nullable: false\n  - name: \"N\"\n    type: DATE\n",
        "parser:\n  format: csv\n  delimiter: \"|\"\n  header: false\n  skip_rows: 3\n",
        "\ncontinue_on_error: true\n",
    ];
    assert!(parts.iter().all(|part| yaml.contains(part)), "{yaml}");
    assert!(table.doubts()[0].starts_with("parser.skip_rows"));
    assert_eq!(Table::from_yaml(&yaml), Ok(table));
    let parquet = Draft { format: "parquet".to_owned(), ..draft() }.check().unwrap();
    assert!(parquet.to_yaml().ends_with("parser:\n  format: parquet\n"));
    assert_eq!(Table::from_yaml(&parquet.to_yaml()), Ok(parquet));
}

#[test]
fn what_a_table_shows_is_what_its_yaml_says() {
    let asked = Draft { format: "tsv".to_owned(), ..draft() };
    let shown = serde_json::to_value(asked.check().unwrap()).unwrap();
    assert_eq!(shown["schema"][0], serde_json::json!({"name": "name", "type": "STRING"}));
    assert_eq!(shown["parser"], serde_json::json!({"format": "csv", "delimiter": "\t"}));
    for each in ColumnType::ALL {
        assert_eq!(serde_json::to_value(each).unwrap(), each.as_str());
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let asked = Draft {
        schema: vec![
            column("ok", "STRING"),
            column("2nd", "string"),
            column("OK", "INT"),
            column("", "TEXT"),
            column("a b", "INT"),
        ],
        package_name: "(".to_owned(),
        logical_key: String::new(),
        format: "csv".to_owned(),
        delimiter: Some(";;".to_owned()),
        skip_rows: Some(u64::MAX),
        ..Draft::default()
    };
    let error = asked.check().unwrap_err();
    assert_eq!(
        places(&error),
        [
            "parser.delimiter",
            "parser.skip_rows",
            "schema[1].name",
            "schema[1].type",
            "schema[2].name",
            "schema[3].name",
            "schema[3].type",
            "schema[4].name",
            "source.package_name",
            "source.logical_key",
        ]
    );
    let text = error.to_string();
    assert!(text.contains("schema[1].type: \"string\" is none of STRING, INT, FLOAT"), "{text}");
    assert!(text.contains("schema[2].name: an earlier column is called \"OK\" already"), "{text}");
}

#[test]
fn parsers_take_only_what_is_theirs() {
    let with = |format: &str, delimiter: Option<&str>| Draft {
        format: format.to_owned(),
        delimiter: delimiter.map(str::to_owned),
        ..draft()
    };
    let parquet = Draft { header: Some(true), skip_rows: Some(0), ..with("parquet", Some(",")) };
    assert_eq!(
        places(&parquet.check().unwrap_err()),
        ["parser.delimiter", "parser.header", "parser.skip_rows"]
    );
    for (draft, place) in [
        (with("CSV", None), "parser.format"),
        (with("", None), "parser.format"),
        (with("tsv", Some(",")), "parser.delimiter"),
        (with("csv", Some("")), "parser.delimiter"),
        (with("csv", Some("\n")), "parser.delimiter"),
        (with("csv", Some("\"")), "parser.delimiter"),
        (with("csv", Some("\\t")), "parser.delimiter"),
        (Draft { schema: Vec::new(), ..draft() }, "schema"),
        (Draft { schema: vec![column("a", "INT"); 1001], ..draft() }, "schema"),
    ] {
        assert_eq!(places(&draft.check().unwrap_err()), [place]);
    }
    let many = Draft { schema: vec![column("", ""); 1000], ..draft() };
    assert_eq!(many.check().unwrap_err().0.len(), MAX_VIOLATIONS);
}

#[test]
fn what_cannot_be_read_is_told_at_once_and_once() {
    let text = "schema:\n- {name: a, type: INT, width: 3}\n- 7\n- {name: 8}\nsource: {type: s3, \
                package_name: 5, logical_key: '('}\nparser: {format: csv, header: maybe, \
                skip_rows: -1, quote: x}\nextra: 1\ncontinue_on_error: 1\n";
    let error = Table::from_yaml(text).unwrap_err();
    let mut found = places(&error);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "continue_on_error",
            "extra",
            "parser.header",
            "parser.quote",
            "parser.skip_rows",
            "schema[0].width",
            "schema[1]",
            "schema[2].name",
            "schema[2].type",
            "source.logical_key",
            "source.package_name",
            "source.type",
        ]
    );
    for (text, expected) in [
        ("", vec![""]),
        ("- 1", vec![""]),
        ("a: [", vec![""]),
        ("{}", vec!["schema", "source", "parser"]),
        ("{schema: {}, source: [], parser: 1}", vec!["schema", "source", "parser"]),
    ] {
        assert_eq!(places(&Table::from_yaml(text).unwrap_err()), expected, "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_pattern_reads_back(literal in "\\PC{1,60}", delimiter in "[^\\p{Cc}\"]") {
        let asked = Draft {
            logical_key: fancy_regex::escape(&literal).into_owned(),
            delimiter: Some(delimiter),
            ..draft()
        };
        let table = asked.check().unwrap();
        proptest::prop_assert_eq!(Table::from_yaml(&table.to_yaml()), Ok(table));
    }
}
