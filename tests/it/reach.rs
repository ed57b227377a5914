//! Whatever the arguments say, S3 sees the caller's own buckets only (threats T30, T31).

use quilt_mcp_server::tools;
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

/// Texts that somebody could take for another bucket than the one that was checked.
fn spellings() -> Vec<String> {
    let (own, foreign) = (lab("alice"), lab("bob"));
    [
        "{foreign}",
        "s3://{foreign}",
        "s3://{foreign}/README.md",
        "s3://{foreign}/README.md?versionId=null",
        "{own}/../{foreign}",
        "s3://{own}/../{foreign}/README.md",
        "s3://{own}/%2e%2e/{foreign}/README.md",
        "s3://{own}/..%2f{foreign}%2fREADME.md",
        "s3://{own}/../../{foreign}/README.md",
        "s3://{own}//{foreign}/README.md",
        "s3://{own}/%2f%2f{foreign}/README.md",
        "s3://{own}@{foreign}/README.md",
        "s3://{foreign}@{own}/README.md",
        "s3://{own}:80@{foreign}/README.md",
        "s3://{own}\\@{foreign}/README.md",
        "s3://{own}#@{foreign}/README.md",
        "s3://{own}?bucket={foreign}/README.md",
        "s3://{own}/README.md?versionId=1&bucket={foreign}",
        "s3://{own}/README.md?versionId=1%26bucket={foreign}",
        "s3://{own}/x\r\nHost: {foreign}",
        "s3://{own}%2f..%2f{foreign}/README.md",
        "s3://{own}.{foreign}/README.md",
        "S3://{foreign}/README.md",
        "s3:///{foreign}/README.md",
        "https://s3.amazonaws.com/{foreign}/README.md",
        "arn:aws:s3:::{foreign}/README.md",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/{foreign}",
        " {foreign}",
        "{foreign} ",
        "{foreign}\u{0}",
        "*",
    ]
    .iter()
    .map(|text| text.replace("{own}", &own).replace("{foreign}", &foreign))
    .collect()
}

fn arguments(tool: &str, text: &str) -> Vec<Value> {
    match tool {
        "auth_status" | "bucket_list" => Vec::new(),
        "bucket_objects_list" => vec![
            json!({"bucket": text, "include_signed_urls": true}),
            json!({"bucket": lab("alice"), "prefix": text, "delimiter": text}),
        ],
        "bucket_access_check" => vec![json!({"bucket": text}), json!({"bucket_name": text})],
        "bucket_objects_put" => vec![
            json!({"bucket": text, "items": [{"key": "README.md", "text": "taken"}]}),
            json!({"bucket": lab("alice"), "items": [{"key": text, "text": "taken",
                "metadata": {"x-amz-copy-source": format!("/{text}")}}]}),
        ],
        _ if tool.starts_with("workflow_") => {
            let more = match tool {
                "workflow_create" => json!({"name": "n"}),
                "workflow_add_step" => json!({"step_id": "a", "description": "d"}),
                "workflow_update_step" => json!({"step_id": "a", "status": "completed"}),
                "workflow_template_apply" => json!({"template_name": "data-validation"}),
                _ => json!({}),
            };
            let (id, named) = match tool {
                "workflow_list_all" => (json!({"bucket": text}), json!({"next": text})),
                _ => (json!({"bucket": text, "workflow_id": "w"}), json!({"workflow_id": text})),
            };
            let own = json!({"bucket": lab("alice")});
            let merged = |parts: [&Value; 3]| {
                let members = parts.iter().filter_map(|part| part.as_object()).flatten();
                Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
            };
            vec![merged([&own, &id, &more]), merged([&own, &named, &more])]
        }
        "athena_query_execute" | "tabulator_query_execute" => vec![
            json!({"query": format!("SELECT * FROM \"{text}\".plates")}),
            json!({"query": "SELECT * FROM plates", "database_name": text}),
            json!({"query": format!("SELECT * FROM \"{text}\"")}),
            json!({"query": "SELECT * FROM plates", "workgroup_name": text}),
        ],
        "athena_query_insert" => vec![
            json!({"query": format!("INSERT INTO \"{text}\".plates SELECT 'a', 'b'")}),
            json!({"query": "INSERT INTO plates VALUES ('a', 'b')", "database_name": text}),
        ],
        "tabulator_bucket_query" => {
            vec![json!({"query": "SELECT * FROM plates", "bucket_name": text})]
        }
        "athena_query_results" | "athena_query_cancel" => {
            vec![
                json!({"query_execution_id": text}),
                json!({"query_execution_id": "q", "next": text}),
            ]
        }
        "unified_search" | "packages_search" | "bucket_objects_search" | "search_explain" => {
            vec![json!({"query": "", "bucket": text})]
        }
        _ => vec![json!({"s3_uri": text})],
    }
}

#[tokio::test]
async fn s3_only_ever_sees_the_caller_s_buckets() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let (_, before) = app.world().store().get(&lab("bob"), "README.md", None).unwrap();
    let mut calls = 0;
    for tool in tools::ALL {
        for text in spellings() {
            for arguments in arguments(tool.name, &text) {
                let answer = client.call(tool.name, arguments.clone()).await.unwrap();
                assert_eq!(answer.status, 200, "{} {arguments}", tool.name);
                let shown = answer.body.to_string();
                assert!(!shown.contains("Growth curves"), "{} {arguments}: {shown}", tool.name);
                calls += 1;
            }
        }
    }
    assert!(calls > 200);
    let seen = app.s3_calls();
    assert!(seen.len() > 50, "S3 was asked at all: {}", seen.len());
    for call in &seen {
        assert_eq!(call.bucket.as_deref(), Some(lab("alice").as_str()), "{call:?}");
    }
    let (_, after) = app.world().store().get(&lab("bob"), "README.md", None).unwrap();
    assert_eq!(before.body, after.body);
}

#[tokio::test]
async fn alice_s_link_cannot_be_turned_to_anything_else() {
    let app = TestApp::start().await;
    let uri = json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))});
    let answer = app.client("alice").call("bucket_object_link", uri).await.unwrap();
    let url = answer.structured()["presigned_url"].as_str().unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    let longer = url.replace("X-Amz-Expires=900", "X-Amz-Expires=604800");
    assert_ne!(longer, url);
    for turned in [
        longer,
        url.replace("/README.md", "/results/report.txt"),
        url.replace(&lab("alice"), &lab("bob")),
        url.replace("/README.md", ""),
        format!("{url}&versionId=null"),
        format!("{url}&list-type=2"),
    ] {
        let answer = http.get(&turned).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{turned}");
    }
    for method in [http::Method::PUT, http::Method::DELETE, http::Method::POST] {
        let answer = http.request(method.clone(), &url).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{method}");
    }
}
