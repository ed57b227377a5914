//! What tests of the server order of the demo's Athena, from outside of the crate.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_athena::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    types::QueryExecutionState as State,
};
use aws_types::SdkConfig;
use quilt_mcp_server::demo::{
    REGION, Service, World,
    athena::{QueryState, Script},
};

fn alice(world: &World) -> Client {
    let arn = world.users().iter().find(|user| user.name == "alice").unwrap().role_arn.clone();
    let c = world.iam().issue_session(&arn, "alice", None, Duration::from_secs(900)).unwrap();
    let c = Credentials::new(c.access_key_id, c.secret_access_key, Some(c.session_token), None, "");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(world.athena_url())
        .credentials_provider(SharedCredentialsProvider::new(c))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();
    Client::new(&config)
}

async fn start(client: &Client) -> String {
    let started = client.start_query_execution().work_group("quilt").query_string("SELECT 1");
    started.send().await.unwrap().query_execution_id.unwrap()
}

async fn look(client: &Client, id: &str) -> Result<(State, String), String> {
    let answer = client.get_query_execution().query_execution_id(id).send().await;
    let query = answer.map_err(|error| error.code().unwrap_or_default().to_owned())?;
    let status = query.query_execution.unwrap().status.unwrap();
    Ok((status.state.unwrap(), status.state_change_reason.unwrap_or_default()))
}

#[tokio::test]
async fn its_knobs_turn_from_here() {
    let world = World::start().await.unwrap();
    let client = alice(&world);
    world.athena().script(Script::held(QueryState::Running));
    let held = start(&client).await;
    for _ in 0..4 {
        look(&client, &held).await.unwrap();
    }
    assert_eq!(look(&client, &held).await.unwrap().0, State::Running);
    client.stop_query_execution().query_execution_id(&held).send().await.unwrap();
    assert_eq!(world.athena().queries().last().unwrap().state, QueryState::Cancelled);
    let stops = world.journal().count(|call| {
        call.service == Service::Athena
            && call.operation == "StopQueryExecution"
            && call.principal.as_ref().is_some_and(|who| who.ends_with("/alice"))
            && call.detail.get("QueryExecutionId") == Some(&held)
    });
    assert_eq!(stops, 1);

    let failing =
        Script { queued_polls: 0, running_polls: 0, ..Script::failing("SYNTAX_ERROR: x") };
    world.athena().script(failing);
    let failed = start(&client).await;
    world.athena().refuse("GetQueryExecution", 400, "ThrottlingException", 1);
    assert_eq!(look(&client, &failed).await, Err("ThrottlingException".to_owned()));
    let reason = loop {
        match look(&client, &failed).await.unwrap() {
            (State::Failed, reason) => break reason,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(reason, "SYNTAX_ERROR: x");

    world.athena().script(Script { expire_after_polls: Some(1), ..Script::default() });
    let late = start(&client).await;
    look(&client, &late).await.unwrap();
    assert_eq!(look(&client, &late).await, Err("ExpiredTokenException".to_owned()));
}
