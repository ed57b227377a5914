//! The session policy of a query: what an assumed role is narrowed to.

use serde_json::{Value, json};

use crate::{
    aws::policy::kms,
    domain::{Action, BucketRef, QueryPermit, Results},
};

/// What Athena asks for in a workgroup, for one of our actions. Who may start a query may follow it to
/// its end and stop it.
fn in_workgroup(action: Action) -> &'static [&'static str] {
    match action {
        Action::StartQueryExecution => &[
            "athena:StartQueryExecution",
            "athena:GetQueryExecution",
            "athena:StopQueryExecution",
            "athena:GetWorkGroup",
        ],
        Action::GetQueryResults => &["athena:GetQueryResults", "athena:GetQueryExecution"],
        Action::StopQueryExecution => &["athena:StopQueryExecution", "athena:GetQueryExecution"],
        Action::ListQueryExecutions => {
            &["athena:ListQueryExecutions", "athena:BatchGetQueryExecution"]
        }
        Action::ListWorkGroups => &["athena:GetWorkGroup"],
        _ => &[],
    }
}

/// What it asks for of data catalogs, and of Glue behind them. A query reads the metadata of its tables.
fn in_catalogs(action: Action) -> (&'static [&'static str], &'static [&'static str]) {
    match action {
        Action::StartQueryExecution => (
            &["athena:GetDataCatalog", "athena:GetTableMetadata"],
            &[
                "glue:GetDatabase",
                "glue:GetDatabases",
                "glue:GetTable",
                "glue:GetTables",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:BatchGetPartition",
            ],
        ),
        Action::GetDatabases => (
            &["athena:GetDataCatalog", "athena:ListDatabases"],
            &["glue:GetDatabase", "glue:GetDatabases"],
        ),
        Action::GetTables => (
            &["athena:GetDataCatalog", "athena:ListTableMetadata"],
            &["glue:GetDatabase", "glue:GetTable", "glue:GetTables"],
        ),
        Action::GetTable => (
            &["athena:GetDataCatalog", "athena:GetTableMetadata"],
            &["glue:GetDatabase", "glue:GetTable"],
        ),
        _ => (&[], &[]),
    }
}

/// The policy that narrows a role to a permit.
pub(super) fn query_policy(permit: &QueryPermit, partition: &str) -> String {
    let arn = |rest: &str| format!("arn:{partition}:{rest}");
    let named = |of: &dyn Fn(Action) -> &'static [&'static str]| -> Vec<&str> {
        let mut names: Vec<&str> = permit.actions().iter().flat_map(|a| of(*a)).copied().collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let workgroups = permit.workgroups().iter();
    let workgroups: Vec<String> =
        workgroups.map(|name| arn(&format!("athena:*:*:workgroup/{name}"))).collect();
    let mut statements = vec![
        allow(named(&in_workgroup), json!(workgroups)),
        allow(named(&|a| in_catalogs(a).0), json!(arn("athena:*:*:datacatalog/*"))),
        allow(named(&|a| in_catalogs(a).1), json!("*")),
    ];
    if permit.actions().contains(&Action::ListWorkGroups) {
        statements.push(allow(vec!["athena:ListWorkGroups"], json!("*")));
    }
    if !permit.reads().is_empty() {
        let both = |bucket| [arn(&format!("s3:::{bucket}")), arn(&format!("s3:::{bucket}/*"))];
        let places: Vec<String> = permit.reads().iter().flat_map(both).collect();
        let actions = vec!["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"];
        statements.push(allow(actions, json!(places)));
    }
    if let Some(bucket) = permit.writes() {
        let place = BucketRef { name: bucket.clone(), prefix: String::new() };
        statements.extend(self::place(&Results::Written(place), &arn));
        let partitions =
            vec!["glue:BatchCreatePartition", "glue:CreatePartition", "glue:UpdatePartition"];
        statements.push(allow(partitions, json!("*")));
    }
    statements.extend(permit.results().into_iter().flat_map(|results| place(results, &arn)));
    if permit.has_connector() {
        statements.push(json!({
            "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*",
            "Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}},
        }));
    }
    if !permit.reads().is_empty() || permit.results().is_some() {
        let is_written =
            permit.writes().is_some() || matches!(permit.results(), Some(Results::Written(_)));
        statements.push(kms(is_written, partition));
    }
    // What a permit has nothing of is no statement.
    let is_empty = |statement: &Value, member: &str| statement.get(member) == Some(&json!([]));
    statements.retain(|s| !is_empty(s, "Action") && !is_empty(s, "Resource"));
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(actions: Vec<&str>, resource: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// What Athena does where results lie, as who queries.
/// <https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html>
fn place(results: &Results, arn: &impl Fn(&str) -> String) -> Vec<Value> {
    let objects =
        |place: &BucketRef| json!(arn(&format!("s3:::{}/{}*", place.name, literal(&place.prefix))));
    let bucket = |place: &BucketRef| json!(arn(&format!("s3:::{}", place.name)));
    match results {
        Results::Read(place) => vec![
            allow(vec!["s3:GetObject"], objects(place)),
            allow(vec!["s3:GetBucketLocation"], bucket(place)),
        ],
        Results::Written(place) => vec![
            allow(
                vec![
                    "s3:AbortMultipartUpload",
                    "s3:GetObject",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ],
                objects(place),
            ),
            allow(
                vec!["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                bucket(place),
            ),
        ],
    }
}

/// A prefix in which IAM finds no pattern.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
fn literal(prefix: &str) -> String {
    let mut out = String::new();
    for c in prefix.chars() {
        match c {
            '*' | '?' | '$' => out.extend(['$', '{', c, '}']),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::{
        aws::policy::MAX_CHARS,
        domain::{Authority, BucketName, Buckets, Grants},
    };

    fn permit(declared: &[Action], reads: &[&str]) -> QueryPermit {
        let buckets: BTreeSet<_> = reads.iter().map(|b| BucketName::parse(b).unwrap()).collect();
        let all = Action::ALL.iter().copied().collect();
        let grants = Arc::new(Grants::listed(all, Buckets::Listed(buckets.clone())));
        let uses = [Action::GetObject, Action::ListBucket];
        let authority = Authority::new(declared, &uses, grants);
        let permit = authority.require_query(declared[0], &["quilt".to_owned()]).unwrap();
        authority.require_reads(permit, buckets).unwrap()
    }

    fn results() -> BucketRef {
        BucketRef::parse("s3://results/a*b/").unwrap()
    }

    #[test]
    fn a_query_opens_its_buckets_its_place_and_nothing_else() {
        let permit = permit(&[Action::StartQueryExecution], &["one", "two"])
            .with_results(Results::Written(results()));
        let text = query_policy(&permit, "aws");
        let policy: Value = serde_json::from_str(&text).unwrap();
        let s3: Vec<&Value> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|s| s["Action"].to_string().contains("s3:"))
            .collect();
        assert_eq!(s3.len(), 3, "{text}");
        assert_eq!(
            s3[0]["Resource"],
            json!([
                "arn:aws:s3:::one",
                "arn:aws:s3:::one/*",
                "arn:aws:s3:::two",
                "arn:aws:s3:::two/*"
            ])
        );
        assert_eq!(s3[1]["Resource"], "arn:aws:s3:::results/a${*}b/*");
        assert!(!s3[0]["Action"].to_string().contains("Put"), "{text}");
        assert!(text.contains("arn:aws:athena:*:*:workgroup/quilt"), "{text}");
        for foreign in ["lambda", "ListQueryExecutions", "glue:Create", "\"s3:*", "Delete"] {
            assert!(!text.contains(foreign), "{foreign}: {text}");
        }
    }

    #[test]
    fn metadata_opens_no_object() {
        for action in [Action::GetDatabases, Action::GetTables, Action::GetTable] {
            let text = query_policy(&permit(&[action], &[]), "aws-cn");
            assert!(!text.contains("s3:") && !text.contains("kms"), "{text}");
            assert!(!text.contains("StartQuery") && !text.contains("workgroup"), "{text}");
            assert!(text.contains("arn:aws-cn:athena:*:*:datacatalog/*"), "{text}");
        }
        let text = query_policy(&permit(&[Action::ListWorkGroups], &[]), "aws");
        assert!(text.contains("athena:GetWorkGroup") && !text.contains("glue"), "{text}");
    }

    #[test]
    fn a_connector_is_called_by_athena_alone() {
        let text =
            query_policy(&permit(&[Action::StartQueryExecution], &[]).with_connector(), "aws");
        assert!(text.contains(r#"{"aws:CalledVia":"athena.amazonaws.com"}"#), "{text}");
    }

    #[test]
    fn ten_buckets_of_usual_names_fit() {
        let names: Vec<String> = (0..10).map(|n| format!("quilt-bucket-number-{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let permit = permit(&[Action::StartQueryExecution, Action::GetQueryResults], &names)
            .with_results(Results::Written(results()));
        let text = query_policy(&permit, "aws");
        assert!(text.chars().count() <= MAX_CHARS, "{}", text.len());
    }
}
