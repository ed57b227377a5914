//! The laws of the catalogue, over what a client really gets.

use std::{collections::BTreeSet, sync::LazyLock};

use quilt_mcp_server::{
    domain::{Action, Standing, Toolset},
    runtime::Cx,
    tool::{Entry, Result, Tool},
    tools,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{TestApp, offered, tool_names};

async fn listed(app: &TestApp) -> Vec<Value> {
    let answer = app.client("alice").request("tools/list", json!({})).await.unwrap();
    answer.body["result"]["tools"].as_array().unwrap().clone()
}

#[tokio::test]
async fn names_are_unique_and_well_formed_and_all_are_listed() {
    let names: Vec<&str> = tools::ALL.iter().map(|entry| entry.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for name in &names {
        assert!(name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    }
    let app = TestApp::start().await;
    let wire = listed(&app).await;
    let names: Vec<&str> = offered(Standing::Stranger).map(|entry| entry.name).collect();
    assert_eq!(wire.iter().map(|t| t["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn schemas_are_plain_and_described_and_the_list_is_small() {
    let app = TestApp::start().await;
    let mut bytes = 0;
    for tool in listed(&app).await {
        let name = &tool["name"];
        let text = tool.to_string();
        for stumble in ["$ref", "$defs", "\"null\"", "\"format\":\"u", "\"format\":\"i", "$schema"]
        {
            assert!(!text.contains(stumble), "{name} has {stumble}");
        }
        assert!(tool["description"].as_str().unwrap().len() > 20, "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "a legacy client takes objects only");
        let arguments = tool["inputSchema"]["properties"].as_object().cloned().unwrap_or_default();
        for (argument, schema) in arguments {
            assert!(schema["description"].is_string(), "{name}.{argument} is not described");
            assert!(schema["type"].is_string(), "{name}.{argument}");
        }
        let results = tool["outputSchema"]["properties"].as_object().unwrap().clone();
        let error = tool["outputSchema"]["anyOf"][1]["required"].as_array().unwrap().clone();
        let success = tool["outputSchema"]["anyOf"][0]["required"].as_array().unwrap().clone();
        assert!(error.iter().all(|member| results.contains_key(member.as_str().unwrap())));
        assert!(
            !success.iter().any(|member| error.contains(member)),
            "{name} has a member of errors"
        );
        bytes += name.to_string().len() + tool["description"].to_string().len();
        bytes += tool["inputSchema"].to_string().len();
    }
    assert!(bytes < 32 * 1024, "{bytes} bytes: everybody pays for this in every conversation");
}

#[tokio::test]
async fn hints_follow_the_declared_actions() {
    let app = TestApp::start().await;
    for tool in listed(&app).await {
        let entry = tools::ALL.iter().find(|e| e.name == tool["name"]).unwrap();
        let hints = &tool["annotations"];
        assert_eq!(hints["readOnlyHint"], entry.read_only());
        assert_eq!(hints["destructiveHint"], !entry.read_only());
        assert_eq!(hints["title"], tool["title"]);
    }
}

/// A tool that writes, so that read-only mode has something to hide.
#[derive(Deserialize, JsonSchema)]
struct Writes {}

#[derive(Serialize, JsonSchema)]
struct Written {
    done: bool,
}

impl Tool for Writes {
    const NAME: &'static str = "writes";
    const TITLE: &'static str = "Writes";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::PutObject];
    type Output = Written;

    async fn run(self, _cx: &Cx) -> Result<Written> {
        Ok(Written { done: true })
    }
}

static TOOLS: &[Entry] = &[Entry::of::<Writes>()];
static SPEC: LazyLock<quilt_mcp_server::tool::Spec> = LazyLock::new(|| TOOLS[0].spec());

#[tokio::test]
async fn read_only_mode_hides_what_writes_and_no_token_brings_it_back() {
    assert!(!SPEC.read_only);
    let app = TestApp::with_tools(TOOLS).await;
    let client = app.client("alice");
    assert_eq!(tool_names(&client.request("tools/list", json!({})).await.unwrap()), ["writes"]);
    assert!(client.call("writes", json!({})).await.unwrap().is_ok());

    let app = TestApp::with_tools_and(TOOLS, &[("QUILT_MCP_READ_ONLY", "true")]).await;
    for token in [app.token("alice"), app.user("alice").catalog_token.clone()] {
        let client = app.anonymous().with_token(token);
        let none: [String; 0] = [];
        assert_eq!(tool_names(&client.request("tools/list", json!({})).await.unwrap()), none);
        let answer = client.call("writes", json!({})).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("-32602"));
    }
}
