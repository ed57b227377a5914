//! What the engine's names and known phrases mean. The texts are those that Athena gives, as the
//! user guide's "Troubleshoot issues in Athena" and reports of its users have them.

use super::{Class, read::Read};

/// A phrase: how the message begins (in lower case, quoted names left out), and what it holds.
struct Phrase {
    begins: &'static str,
    holds: &'static str,
    class: Class,
}

const fn begins(begins: &'static str, holds: &'static str, class: Class) -> Phrase {
    Phrase { begins, holds, class }
}

const fn holds(phrase: &'static str, class: Class) -> Phrase {
    begins("", phrase, class)
}

/// What the engine says of a statement. Engine version 2 called all of these `SYNTAX_ERROR`.
const OF_STATEMENTS: &[Phrase] = &[
    begins("table ", "does not exist", Class::NoSuchTable),
    begins("table ", "not found", Class::NoSuchTable),
    begins("view ", "does not exist", Class::NoSuchTable),
    begins("schema ", "does not exist", Class::NoSuchDatabase),
    begins("database ", "does not exist", Class::NoSuchDatabase),
    begins("database ", "not found", Class::NoSuchDatabase),
    begins("catalog ", "does not exist", Class::NoSuchDatabase),
    begins("catalog ", "not found", Class::NoSuchDatabase),
    begins("function ", "not registered", Class::NoSuchFunction),
    begins("function ", "not found", Class::NoSuchFunction),
    begins("unexpected parameters", "", Class::NoSuchFunction),
    begins("column ", "cannot be resolved", Class::NoSuchColumn),
    begins("mismatched input", "", Class::Syntax),
    begins("extraneous input", "", Class::Syntax),
    begins("no viable alternative", "", Class::Syntax),
    begins("queries of this type are not supported", "", Class::Syntax),
    begins("only one sql statement is allowed", "", Class::Syntax),
    holds("cannot be applied to", Class::TypeMismatch),
    holds("cannot apply operator", Class::TypeMismatch),
    holds("must evaluate to a", Class::TypeMismatch),
    holds("must be the same type", Class::TypeMismatch),
    holds("[error 10001]", Class::NoSuchTable),
    holds("[error 10002]", Class::NoSuchColumn),
    holds("[error 10004]", Class::NoSuchColumn),
    holds("cannot find field", Class::NoSuchColumn),
    holds("[error 10011]", Class::NoSuchFunction),
    holds("[error 10072]", Class::NoSuchDatabase),
    begins("failed: parseexception", "", Class::Syntax),
    begins("failed: semanticexception", "table not found", Class::NoSuchTable),
    begins("failed: semanticexception", "unable to fetch table", Class::NoSuchTable),
];

/// What Athena and the services around it say.
const OF_SERVICES: &[Phrase] = &[
    begins("entitynotfoundexception: database", "not found", Class::NoSuchDatabase),
    begins("entitynotfoundexception", "", Class::NoSuchTable),
    begins("data catalog ", "not found", Class::NoSuchDatabase),
    begins("datacatalog ", "not found", Class::NoSuchDatabase),
    holds("when writing output to url", Class::Output),
    holds("unable to verify/create output bucket", Class::Output),
    holds("no output location provided", Class::Output),
    holds("s3 location provided to save your query results", Class::Output),
    holds("failed to write query results", Class::Output),
    holds("bytes scanned limit was exceeded", Class::Workgroup),
    begins("workgroup", "not found", Class::Workgroup),
    begins("workgroup", "disabled", Class::Workgroup),
    holds("slow down", Class::Throttled),
    holds("slowdown", Class::Throttled),
    holds("throttl", Class::Throttled),
    holds("rate exceeded", Class::Throttled),
    holds("toomanyrequests", Class::Throttled),
    holds("too many requests", Class::Throttled),
    holds("reserved capacity limit", Class::Throttled),
    holds("insufficient capacity", Class::Throttled),
    holds("access denied", Class::AccessDenied),
    holds("accessdenied", Class::AccessDenied),
    holds("status code: 403", Class::AccessDenied),
    holds("not authorized to", Class::AccessDenied),
    holds("insufficient permissions", Class::AccessDenied),
    holds("lake formation permission", Class::AccessDenied),
    holds("does not have any privilege", Class::AccessDenied),
    holds("permission denied", Class::AccessDenied),
    begins("query cancel", "", Class::Cancelled),
    holds("canceled by user", Class::Cancelled),
    holds("cancelled by user", Class::Cancelled),
    holds("exhausted resources", Class::Resources),
    holds("exceeded maximum time limit", Class::Resources),
    holds("timed out", Class::Resources),
    begins("query timeout", "", Class::Resources),
    holds("memory limit", Class::Resources),
    holds("out of memory", Class::Resources),
];

/// What a family of names means, if neither a phrase nor an exact number says more. They wrap what
/// files, metastore and connectors say, so anything may stand in the message.
const PREFIXES: &[(&str, Class)] = &[
    ("HIVE_", Class::Data),
    ("ICEBERG_", Class::Data),
    ("GENERIC_INTERNAL_ERROR", Class::Internal),
    ("GENERIC_INSUFFICIENT_RESOURCES", Class::Resources),
];

/// The class of a name that says enough, whatever follows it.
pub(super) fn by_name(read: &Read) -> Option<Class> {
    Some(match read.name.as_str() {
        "TABLE_NOT_FOUND" | "MISSING_TABLE" => Class::NoSuchTable,
        "COLUMN_NOT_FOUND" => Class::NoSuchColumn,
        "SCHEMA_NOT_FOUND"
        | "CATALOG_NOT_FOUND"
        | "MISSING_SCHEMA_NAME"
        | "MISSING_CATALOG_NAME" => Class::NoSuchDatabase,
        "FUNCTION_NOT_FOUND" | "AMBIGUOUS_FUNCTION_CALL" | "FUNCTION_IMPLEMENTATION_MISSING" => {
            Class::NoSuchFunction
        }
        "TYPE_MISMATCH" | "TYPE_NOT_FOUND" | "OPERATOR_NOT_FOUND" => Class::TypeMismatch,
        "PERMISSION_DENIED" => Class::AccessDenied,
        "QUERY_QUEUE_FULL" => Class::Throttled,
        "EXCEEDED_TIME_LIMIT"
        | "EXCEEDED_MEMORY_LIMIT"
        | "EXCEEDED_LOCAL_MEMORY_LIMIT"
        | "EXCEEDED_GLOBAL_MEMORY_LIMIT"
        | "EXCEEDED_CPU_LIMIT"
        | "EXCEEDED_SPILL_LIMIT"
        | "EXCEEDED_SCAN_LIMIT"
        | "EXCEEDED_FUNCTION_MEMORY_LIMIT"
        | "CLUSTER_OUT_OF_MEMORY"
        | "OUT_OF_SPILL_SPACE"
        | "OPTIMIZER_TIMEOUT"
        | "ADMINISTRATIVELY_PREEMPTED"
        | "QUERY_HAS_TOO_MANY_STAGES"
        | "HIVE_EXCEEDED_PARTITION_LIMIT"
        | "HIVE_EXCEEDED_SPLIT_BUFFERING_LIMIT"
        | "HIVE_TOO_MANY_OPEN_PARTITIONS" => Class::Resources,
        "USER_CANCELED" | "ADMINISTRATIVELY_KILLED" => Class::Cancelled,
        "DIVISION_BY_ZERO"
        | "INVALID_CAST_ARGUMENT"
        | "NUMERIC_VALUE_OUT_OF_RANGE"
        | "INVALID_FUNCTION_ARGUMENT"
        | "SUBQUERY_MULTIPLE_ROWS" => Class::Data,
        "ABANDONED_QUERY"
        | "ABANDONED_TASK"
        | "TOO_MANY_REQUESTS_FAILED"
        | "NO_NODES_AVAILABLE"
        | "PAGE_TRANSPORT_ERROR"
        | "PAGE_TRANSPORT_TIMEOUT"
        | "REMOTE_TASK_ERROR"
        | "REMOTE_TASK_MISMATCH"
        | "REMOTE_HOST_GONE"
        | "SERVER_SHUTTING_DOWN"
        | "SERVER_STARTING_UP"
        | "COMPILER_ERROR" => Class::Internal,
        _ => return None,
    })
}

/// The class of a phrase. A message with a place in the query is about the query, and may hold
/// names without quotes: what services say is not looked for there.
pub(super) fn by_phrase(read: &Read) -> Option<Class> {
    let of_statement = || find(OF_STATEMENTS, &read.message);
    if read.position.is_some() || read.name == "SYNTAX_ERROR" {
        return of_statement().or(Some(Class::Syntax));
    }
    find(OF_SERVICES, &read.message).or_else(of_statement)
}

fn find(phrases: &[Phrase], message: &str) -> Option<Class> {
    let fits =
        |phrase: &&Phrase| message.starts_with(phrase.begins) && message.contains(phrase.holds);
    phrases.iter().find(fits).map(|phrase| phrase.class)
}

/// The class of a name's family.
pub(super) fn by_prefix(read: &Read) -> Option<Class> {
    let fits = |(prefix, _): &&(&str, Class)| read.name.starts_with(prefix);
    PREFIXES.iter().find(fits).map(|(_, class)| *class)
}
