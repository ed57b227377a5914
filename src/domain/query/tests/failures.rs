//! Reasons and numbers as Athena gives them.

use crate::domain::query::{
    Class, Failure, classify,
    failure::{Class::*, MAX_REASON_CHARS},
};
use proptest::prelude::*;

const ALL: [Class; 15] = [
    Syntax,
    NoSuchTable,
    NoSuchColumn,
    NoSuchDatabase,
    NoSuchFunction,
    TypeMismatch,
    AccessDenied,
    Throttled,
    Resources,
    Workgroup,
    Output,
    Data,
    Cancelled,
    Internal,
    Other,
];

/// A reason, its class and its place.
type Case = (&'static str, Class, Option<(u32, u32)>);

const REASONS: &[Case] = &[
    ("SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved", NoSuchColumn, Some((1, 8))),
    (
        "COLUMN_NOT_FOUND: line 2:5: Column 'x' cannot be resolved or requester is not authorized \
         to access requested resources",
        NoSuchColumn,
        Some((2, 5)),
    ),
    (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist",
        NoSuchTable,
        Some((1, 15)),
    ),
    (
        "SYNTAX_ERROR: line 1:15: Table awsdatacatalog.db.throttled does not exist",
        NoSuchTable,
        Some((1, 15)),
    ),
    ("SYNTAX_ERROR: line 1:15: Schema my_table does not exist", NoSuchDatabase, Some((1, 15))),
    ("SCHEMA_NOT_FOUND: line 1:15: Schema 'x' does not exist", NoSuchDatabase, Some((1, 15))),
    ("CATALOG_NOT_FOUND: line 1:15: Catalog 'x' does not exist", NoSuchDatabase, Some((1, 15))),
    (
        "FUNCTION_NOT_FOUND: line 1:189: Function 'regexp_instr' not registered",
        NoSuchFunction,
        Some((1, 189)),
    ),
    ("SYNTAX_ERROR: line 1:8: Function foo not registered", NoSuchFunction, Some((1, 8))),
    (
        "SYNTAX_ERROR: line 10:32: Unexpected parameters (varchar(1)) for function concat_ws",
        NoSuchFunction,
        Some((10, 32)),
    ),
    (
        "TYPE_MISMATCH: line 5:19: Cannot apply operator: varchar = integer",
        TypeMismatch,
        Some((5, 19)),
    ),
    (
        "SYNTAX_ERROR: line 1:9: '=' cannot be applied to bigint, varchar(1)",
        TypeMismatch,
        Some((1, 9)),
    ),
    ("line 1:1: mismatched input 'x'. Expecting: 'ALTER', 'WITH', <query>", Syntax, Some((1, 1))),
    ("mismatched input 'x'. Expecting: '(', 'WITH'", Syntax, None),
    (
        "line 1:10: identifiers must not start with a digit; surround the identifier with double quotes",
        Syntax,
        Some((1, 10)),
    ),
    ("AMBIGUOUS_NAME: line 1:8: Column 'id' is ambiguous", Syntax, Some((1, 8))),
    (
        "EXPRESSION_NOT_AGGREGATE: line 1:8: 'a' must be an aggregate expression",
        Syntax,
        Some((1, 8)),
    ),
    (
        "SYNTAX_ERROR: line 1:8: Column 'access denied' cannot be resolved",
        NoSuchColumn,
        Some((1, 8)),
    ),
    ("Queries of this type are not supported", Syntax, None),
    ("FAILED: SemanticException [Error 10001]: Table not found x", NoSuchTable, None),
    (
        "FAILED: SemanticException [Error 10001]: Line 1:14 Table not found 't'",
        NoSuchTable,
        Some((1, 15)),
    ),
    ("FAILED: SemanticException [Error 10072]: Database does not exist: x", NoSuchDatabase, None),
    (
        "FAILED: ParseException line 1:5 cannot recognize input near 'x' '<EOF>'",
        Syntax,
        Some((1, 6)),
    ),
    ("FAILED: ParseException line 0:-1 cannot recognize input near '<EOF>'", Syntax, None),
    ("FAILED: ParseException define x on line 2:0 missing EOF at 'x'", Syntax, Some((2, 1))),
    (
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. cannot \
         find field x from [0:a]",
        NoSuchColumn,
        None,
    ),
    (
        "PERMISSION_DENIED: Access Denied: Cannot select from columns [a] in table",
        AccessDenied,
        None,
    ),
    (
        "Access denied when writing output to url: s3://b/k.csv . Please ensure you are allowed to \
         access the S3 bucket.",
        Output,
        None,
    ),
    ("Unable to verify/create output bucket b", Output, None),
    ("No output location provided. You did not provide an output location", Output, None),
    ("The S3 location provided to save your query results is invalid.", Output, None),
    (
        "HIVE_CURSOR_ERROR: com.amazonaws.services.s3.model.AmazonS3Exception: Slow Down (Service: \
         Amazon S3; Status Code: 503)",
        Throttled,
        None,
    ),
    (
        "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/k (offset=0, length=1): \
         com.amazonaws.services.s3.model.AmazonS3Exception: Forbidden (Status Code: 403; Error Code: \
         403 Forbidden)",
        AccessDenied,
        None,
    ),
    (
        "com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied (Service: Amazon S3)",
        AccessDenied,
        None,
    ),
    (
        "HIVE_METASTORE_ERROR: com.amazonaws.AmazonServiceException: AccessDeniedException",
        AccessDenied,
        None,
    ),
    ("HIVE_CURSOR_ERROR: Row is not a valid JSON Object", Data, None),
    ("HIVE_BAD_DATA: Error parsing field value 'access denied' for field 1", Data, None),
    ("ICEBERG_BAD_DATA: Not a parquet file", Data, None),
    (
        "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition",
        Data,
        None,
    ),
    ("DIVISION_BY_ZERO: Division by zero", Data, None),
    ("INVALID_CAST_ARGUMENT: Cannot cast 'a' to INT", Data, None),
    ("Query exhausted resources at this scale factor", Resources, None),
    ("EXCEEDED_TIME_LIMIT: Query exceeded maximum time limit of 30.00m", Resources, None),
    (
        "EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node total memory limit of 14GB",
        Resources,
        None,
    ),
    ("Query timeout", Resources, None),
    ("Bytes scanned limit was exceeded", Workgroup, None),
    ("WorkGroup is not found.", Workgroup, None),
    ("Insufficient permissions to execute the query.", AccessDenied, None),
    (
        "Insufficient permissions to execute the query. Principal does not have any privilege on \
         specified resource",
        AccessDenied,
        None,
    ),
    ("Insufficient Lake Formation permission(s): Required Describe on t", AccessDenied, None),
    (
        "You are not authorized to perform: athena:StartQueryExecution on the resource",
        AccessDenied,
        None,
    ),
    (
        "GENERIC_USER_ERROR: Encountered an exception[java.lang.RuntimeException] from your \
         LambdaFunction[hbase] executed in context[retrieving meta-data] with message[Can't get the \
         location for replica 0]",
        Other,
        None,
    ),
    (
        "GENERIC_USER_ERROR: Encountered an exception[x] from your LambdaFunction[y] with message[Rate \
         exceeded]",
        Throttled,
        None,
    ),
    (
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: lambda:InvokeFunction \
         on resource: arn:aws:lambda:eu-west-1:1:function:f",
        AccessDenied,
        None,
    ),
    ("GENERIC_INTERNAL_ERROR: Internal error", Internal, None),
    ("QUERY_QUEUE_FULL: Too many queued queries", Throttled, None),
    ("Query cancelled by user", Cancelled, None),
    ("USER_CANCELED: Query was canceled", Cancelled, None),
    ("Something new", Other, None),
    ("TABLE_NOT_FOUND: line 99999999999:1: Table 't' does not exist", NoSuchTable, None),
];

fn place(failure: &Failure) -> Option<(u32, u32)> {
    failure.position.map(|at| (at.line, at.column))
}

#[test]
fn reasons_are_classified_with_their_place() {
    for (reason, class, position) in REASONS {
        let said = classify(Some(reason), None, None);
        assert_eq!((said.class, place(&said)), (*class, *position), "{reason}");
        assert_eq!(&said.reason, reason);
    }
    let all_met = |class: &Class| REASONS.iter().any(|(_, met, _)| met == class);
    assert!(ALL.iter().all(all_met), "every class has a reason");
}

#[test]
fn numbers_decide_where_the_text_does_not() {
    for (reason, category, kind, class) in [
        (None, None, None, Other),
        (None, Some(1), None, Internal),
        (None, Some(2), None, Other),
        (None, Some(3), Some(4242), Other),
        (None, Some(2), Some(1000), Other),
        (None, Some(1), Some(0), Resources),
        (None, Some(1), Some(210), Resources),
        (None, Some(1), Some(204), Internal),
        (None, Some(1), Some(234), AccessDenied),
        (None, Some(1), Some(401), Output),
        (None, Some(2), Some(1001), Data),
        (None, Some(2), Some(1006), Syntax),
        (None, Some(2), Some(1014), Cancelled),
        (None, Some(2), Some(1110), NoSuchTable),
        (None, Some(2), Some(1303), NoSuchFunction),
        (None, Some(2), Some(1403), Throttled),
        (None, Some(2), Some(1501), AccessDenied),
        (None, Some(2), Some(1602), Throttled),
        (None, Some(-1), Some(i32::MIN), Other),
        (None, Some(i32::MAX), Some(i32::MAX), Other),
        // The text says more than its number.
        (
            Some("FAILED: SemanticException [Error 10001]: Table not found x"),
            Some(2),
            Some(1006),
            NoSuchTable,
        ),
        (
            Some("TYPE_MISMATCH: line 4:16: Cannot apply operator"),
            Some(2),
            Some(1002),
            TypeMismatch,
        ),
        // The number says more than a text that wraps something.
        (Some("HIVE_UNKNOWN_ERROR: x"), Some(2), Some(1501), AccessDenied),
        (Some("GENERIC_INTERNAL_ERROR: x"), Some(1), Some(1401), Throttled),
        (Some("GENERIC_USER_ERROR: x"), Some(2), Some(1001), Data),
        (Some(""), Some(1), Some(9999), Internal),
    ] {
        assert_eq!(
            classify(reason, category, kind).class,
            class,
            "{reason:?} {category:?} {kind:?}"
        );
    }
}

#[test]
fn a_reason_is_bounded_and_plain() {
    assert_eq!(classify(None, None, None).reason, "Athena gave no reason.");
    assert_eq!(classify(Some(" \n "), None, None).reason, "Athena gave no reason.");
    let odd = classify(Some("line 1:2: a\u{0}b\nc\u{202e}d"), None, None);
    assert_eq!((odd.reason.as_str(), place(&odd)), ("line 1:2: a b c d", Some((1, 2))));
    let fits = "é".repeat(MAX_REASON_CHARS);
    assert_eq!(classify(Some(&fits), None, None).reason, fits);
    let long = classify(Some(&"é".repeat(100_000)), None, None).reason;
    assert_eq!(long.chars().count(), MAX_REASON_CHARS);
    assert!(long.ends_with('…'));
}

#[test]
fn every_class_says_what_to_do_with_our_tools() {
    let mut said: Vec<&str> = ALL.iter().map(|class| class.what_to_do()).collect();
    assert!(said.iter().all(|text| text.ends_with('.') && !text.contains("  ")));
    for (class, tool) in [
        (Syntax, "athena_query_validate"),
        (NoSuchTable, "athena_tables_list"),
        (NoSuchColumn, "athena_table_schema"),
        (NoSuchDatabase, "athena_databases_list"),
        (Workgroup, "athena_workgroups_list"),
    ] {
        assert!(class.what_to_do().contains(tool), "{class:?}");
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), ALL.len());
    let retryable: Vec<Class> = ALL.into_iter().filter(|class| class.is_retryable()).collect();
    assert_eq!(retryable, [Throttled, Internal]);
    assert_eq!(serde_json::to_value(NoSuchTable).unwrap(), "no_such_table");
}

/// Texts that look like reasons, broken ones included.
fn reason() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "FAILED: ",
        "SYNTAX_ERROR: ",
        "HIVE_X: ",
        "line ",
        "Line ",
        "1:8",
        "0:-1",
        "4294967296:1",
        ": ",
        "'",
        "\"",
        "`",
        "é",
        "Table ",
        " does not exist",
        "access denied",
        "\u{0}",
        "\u{202e}",
        "…",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(piece, 0..12).prop_map(|all| all.concat())]
}

proptest! {
    #[test]
    fn any_reason_and_any_number_have_an_answer(
        reason in prop::option::of(reason()),
        category: Option<i32>,
        kind in prop_oneof![any::<Option<i32>>(), (0..10_000).prop_map(Some)],
    ) {
        let said = classify(reason.as_deref(), category, kind);
        prop_assert!(!said.reason.is_empty());
        prop_assert!(said.reason.chars().count() <= MAX_REASON_CHARS);
        prop_assert!(!said.reason.contains(char::is_control));
        prop_assert!(said.position.is_none_or(|at| at.line > 0));
    }
}
