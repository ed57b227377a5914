//! Who is let through, and how far.

use serde_json::json;

use super::*;
use crate::demo::{ACCOUNT, RESULTS_ACTIONS};

const QUERY: &str = "SELECT count(*) FROM absorbance";

/// A session policy: these actions, the results, and reading these buckets. Athena's and Glue's ARNs are spelled out as
/// a server would.
fn policy(buckets: &[&str], actions: &[&str], results: &str) -> String {
    let both =
        |bucket: &&str| [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    let resources = [
        "arn:aws:athena:*:*:workgroup/quilt",
        "arn:aws:athena:*:*:datacatalog/AwsDataCatalog",
        "arn:aws:glue:*:*:catalog",
        "arn:aws:glue:*:*:database/default",
        "arn:aws:glue:*:*:database/quilt-*",
        "arn:aws:glue:*:*:table/quilt-*",
    ];
    let mut statements = vec![
        json!({ "Effect": "Allow", "Action": actions, "Resource": resources }),
        json!({ "Effect": "Allow", "Action": RESULTS_ACTIONS, "Resource": both(&results) }),
    ];
    let data: Vec<String> = buckets.iter().flat_map(both).collect();
    if !data.is_empty() {
        let actions = ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"];
        statements.push(json!({ "Effect": "Allow", "Action": actions, "Resource": data }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

const ALL: &[&str] = &["athena:*", "glue:*"];

#[tokio::test]
async fn credentials_are_checked_in_every_part() {
    let world = world().await;
    let (one, two) = (session(&world, "alice", None), session(&world, "alice", None));
    let ask = async |key: &str, secret: &str, token: Option<&str>| {
        code(with(&world, key, secret, token).list_work_groups().send().await)
    };
    let (key, secret) = (one.access_key_id.as_str(), one.secret_access_key.as_str());
    let token = Some(one.session_token.as_str());
    assert_eq!(ask(key, secret, token).await, "OK");
    assert_eq!(ask(key, secret, Some(&two.session_token)).await, "UnrecognizedClientException");
    assert_eq!(ask(key, secret, None).await, "UnrecognizedClientException");
    assert_eq!(ask(key, &two.secret_access_key, token).await, "InvalidSignatureException");
    assert_eq!(ask("ASIAUNKNOWN", secret, token).await, "UnrecognizedClientException");
    assert!(world.iam().expire(key));
    assert_eq!(ask(key, secret, token).await, "ExpiredTokenException");
    let task = world.task_role();
    let ambient = ask(&task.access_key_id, &task.secret_access_key, None).await;
    assert_eq!(ambient, "AccessDeniedException", "the server's own identity");
    let unsigned = reqwest::Client::new().post(world.athena_url());
    let unsigned = unsigned.header("x-amz-target", "AmazonAthena.ListWorkGroups").body("{}");
    assert_eq!(unsigned.send().await.expect("answered").status(), 400);
    let journal = world.journal();
    assert_eq!(journal.count(|call| call.outcome == "MissingAuthenticationTokenException"), 1);
    let proven = |call: &Call| call.service == Service::Athena && call.principal.is_some();
    assert_eq!(journal.count(proven), 2);
}

#[tokio::test]
async fn a_query_reads_with_the_rights_of_its_caller() {
    let world = world().await;
    let whole = client(&world, "alice", Some(&policy(&[LAB], ALL, RESULTS_BUCKET)));
    assert_eq!(run(&whole, QUERY).await.expect("rows").1, cells(&[&[Some("72")]]));

    let elsewhere = client(&world, "alice", Some(&policy(&["quilt-shared"], ALL, RESULTS_BUCKET)));
    let denied =
        "PERMISSION_DENIED: Permission denied on S3 path: s3://quilt-alice-lab/measurements/";
    assert_eq!(run(&elsewhere, QUERY).await, Err(denied.to_owned()));
    // The role does not reach Bob's bucket, whatever the session policy says.
    let wide = client(&world, "alice", None);
    let theirs = "SELECT * FROM \"quilt-bob-lab\".plates";
    let denied = "PERMISSION_DENIED: Permission denied on S3 path: s3://quilt-bob-lab/plates/";
    assert_eq!(run(&wide, theirs).await, Err(denied.to_owned()));

    let no_glue = client(&world, "alice", Some(&policy(&[LAB], &["athena:*"], RESULTS_BUCKET)));
    let why = run(&no_glue, QUERY).await.expect_err("denied");
    assert!(why.starts_with("Insufficient permissions to execute the query."), "{why}");
    assert!(why.contains("glue:GetDatabase on resource: arn:aws:glue:us-east-1:"), "{why}");
}

#[tokio::test]
async fn calls_and_results_need_their_own_rights() {
    let world = world().await;
    let only = ["athena:GetWorkGroup", "glue:*"];
    let none = client(&world, "alice", Some(&policy(&[LAB], &only, RESULTS_BUCKET)));
    let started = none.start_query_execution().work_group("quilt").query_string(QUERY).send().await;
    let said = message(started);
    let expected = "is not authorized to perform: athena:StartQueryExecution on resource: \
                    arn:aws:athena:us-east-1:123456789012:workgroup/quilt";
    assert!(said.ends_with(expected), "{said}");

    let no_output = client(&world, "alice", Some(&policy(&[LAB], ALL, "another-bucket")));
    let started =
        no_output.start_query_execution().work_group("quilt").query_string(QUERY).send().await;
    assert_eq!(message(started), "Unable to verify/create output bucket quilt-athena-results");
    let location = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["athena:*", "glue:*"], "Resource": "*" },
        { "Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": "*" },
    ] });
    let unwritable = client(&world, "alice", Some(&location.to_string()));
    let why = run(&unwritable, "SELECT 1").await.expect_err("denied");
    assert!(
        why.starts_with("Access denied when writing output to url: s3://quilt-athena-results/")
    );

    let alice = client(&world, "alice", None);
    let id = start(&alice, "SELECT 1").await;
    over(&alice, &id).await;
    let unreadable = unwritable.get_query_results().query_execution_id(&id).send().await;
    assert_eq!(code(unreadable), "AccessDeniedException");
    let group = alice.start_query_execution().query_string("SELECT 1").work_group("retired");
    assert_eq!(message(group.send().await), "WorkGroup retired is disabled.");
    let own = sdk::types::ResultConfiguration::builder().output_location("s3://quilt-alice-lab/x/");
    let own = alice
        .start_query_execution()
        .work_group("quilt")
        .query_string("SELECT 1")
        .result_configuration(own.build());
    let id = own.send().await.expect("started").query_execution_id.expect("an id");
    let query = over(&alice, &id).await;
    let output = query.result_configuration().and_then(|result| result.output_location());
    let enforced = format!("s3://{RESULTS_BUCKET}/quilt/{id}.csv");
    assert_eq!(output, Some(enforced.as_str()), "the workgroup's counts");
}

#[tokio::test]
async fn each_right_counts_alone() {
    let world = world().await;
    let outcome = async |buckets: &[&str], actions: &[&str], results: &str| {
        let alice = client(&world, "alice", Some(&policy(buckets, actions, results)));
        let started = alice.start_query_execution().work_group("quilt").query_string(QUERY);
        let started = started.query_execution_context(in_database(LAB)).send().await;
        let id = match started {
            Ok(started) => started.query_execution_id.expect("an id"),
            Err(error) => return error.message().unwrap_or_default().to_owned(),
        };
        let query = over(&client(&world, "alice", None), &id).await;
        format!("{} {}", state(&query).as_str(), reason(&query))
    };
    let athena = ["athena:StartQueryExecution"];
    let glue = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"];
    let all: Vec<&str> = athena.iter().chain(&glue).copied().collect();
    assert_eq!(outcome(&[LAB], &all, RESULTS_BUCKET).await, "SUCCEEDED ");
    for missing in glue {
        let rest: Vec<&str> = all.iter().copied().filter(|action| *action != missing).collect();
        let why = outcome(&[LAB], &rest, RESULTS_BUCKET).await;
        let start = "FAILED Insufficient permissions to execute the query. User: ";
        assert!(why.starts_with(start) && why.contains(missing), "{missing}: {why}");
    }
    let why = outcome(&[LAB], &glue, RESULTS_BUCKET).await;
    assert!(why.contains("not authorized to perform: athena:StartQueryExecution"), "{why}");
    let why = outcome(&[], &all, RESULTS_BUCKET).await;
    assert!(why.starts_with("FAILED PERMISSION_DENIED: Permission denied on S3 path: "), "{why}");
}

#[tokio::test]
async fn another_workgroup_is_another_resource() {
    let world = world().await;
    let narrow = client(&world, "alice", Some(&policy(&[LAB], ALL, RESULTS_BUCKET)));
    let elsewhere = narrow.start_query_execution().work_group("primary").query_string("SELECT 1");
    assert_eq!(code(elsewhere.send().await), "AccessDeniedException");
    let tabulator = narrow.list_databases().catalog_name(TABULATOR_CATALOG).send().await;
    assert_eq!(code(tabulator), "AccessDeniedException");

    let alice = client(&world, "alice", None);
    let nowhere = alice.start_query_execution().work_group("primary").query_string("SELECT 1");
    let said = message(nowhere.clone().send().await);
    assert!(said.starts_with("No output location provided."), "{said}");
    let own = sdk::types::ResultConfiguration::builder().output_location("s3://quilt-alice-lab/x");
    let id = nowhere.result_configuration(own.build()).send().await.expect("started");
    let query = over(&alice, id.query_execution_id().expect("an id")).await;
    let output = query.result_configuration().and_then(|result| result.output_location());
    assert!(output.is_some_and(|output| output.starts_with("s3://quilt-alice-lab/x/")));
}

#[tokio::test]
async fn a_role_without_queries_is_refused_everywhere() {
    let world = world().await;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/QuiltDemoReader");
    let c = world.iam().issue_session(&role, "alice", None, Duration::from_secs(900));
    let c = c.expect("random");
    let reader = with(&world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token));
    let denied = "AccessDeniedException";
    let started = reader.start_query_execution().work_group("quilt").query_string("SELECT 1");
    assert_eq!(code(started.send().await), denied);
    assert_eq!(code(reader.list_work_groups().send().await), denied);
    assert_eq!(code(reader.get_work_group().work_group("quilt").send().await), denied);
    assert_eq!(code(reader.list_data_catalogs().send().await), denied);
    for catalog in [DATA_CATALOG, TABULATOR_CATALOG] {
        assert_eq!(code(reader.list_databases().catalog_name(catalog).send().await), denied);
        let tables = reader.list_table_metadata().catalog_name(catalog).database_name(LAB);
        assert_eq!(code(tables.send().await), denied);
    }
    assert_eq!(code(reader.list_query_executions().work_group("quilt").send().await), denied);
}
