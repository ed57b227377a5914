//! Who is let through, and how far.

use serde_json::json;

use super::*;

const QUERY: &str = "SELECT count(*) FROM absorbance";

/// A session policy: Athena and Glue, the results, and reading these buckets.
fn policy(buckets: &[&str], athena: &[&str], results: &str) -> String {
    let both =
        |bucket: &&str| [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    let mut statements = vec![
        json!({ "Effect": "Allow", "Action": athena, "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:GetObject", "s3:PutObject"],
                "Resource": both(&results) }),
    ];
    let data: Vec<String> = buckets.iter().flat_map(both).collect();
    if !data.is_empty() {
        let actions = ["s3:GetObject", "s3:ListBucket"];
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
    let started = none.start_query_execution().query_string(QUERY).send().await;
    let said = message(started);
    let expected = "is not authorized to perform: athena:StartQueryExecution on resource: \
                    arn:aws:athena:us-east-1:123456789012:workgroup/primary";
    assert!(said.ends_with(expected), "{said}");

    let no_output = client(&world, "alice", Some(&policy(&[LAB], ALL, "another-bucket")));
    let started = no_output.start_query_execution().query_string(QUERY).send().await;
    assert_eq!(message(started), "Unable to verify/create output bucket quilt-athena-results");
    let location = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["athena:*", "glue:*"], "Resource": "*" },
        { "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "*" },
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
    let own =
        alice.start_query_execution().query_string("SELECT 1").result_configuration(own.build());
    let id = own.send().await.expect("started").query_execution_id.expect("an id");
    let query = over(&alice, &id).await;
    let output = query.result_configuration().and_then(|result| result.output_location());
    let enforced = format!("s3://{RESULTS_BUCKET}/primary/{id}.csv");
    assert_eq!(output, Some(enforced.as_str()), "the workgroup's counts");
}
