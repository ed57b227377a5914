//! Two processes behind alternating requests (threat T24): no stickiness, no shared store.

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::json;

use crate::support::{lab, list, names, serve, task_role};

#[tokio::test]
async fn one_legacy_session_lives_on_two_processes() {
    let world = World::start().await.unwrap();
    let environment = task_role(&world);
    let (one, two) = tokio::join!(serve(&world, &environment), serve(&world, &environment));
    let alice = world.users().iter().find(|u| u.name == "alice").unwrap();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let claims = world.enhanced_claims(alice, now, 3600);
    let secret = world.jwt_secret().to_owned().into();
    let token = quilt_mcp_server::auth::mint(&claims, "frontend-enhanced", &secret).unwrap();
    let mut first = Client::new(&one.url).with_token(&token);
    first.initialize().await.unwrap();
    let session = first.session().unwrap().to_owned();
    let replicas = [first, Client::new(&two.url).with_token(&token).with_session(&session)];
    for turn in 0..20 {
        let client = &replicas[turn % 2];
        let buckets = client.call("bucket_list", json!({})).await.unwrap();
        assert_eq!(names(buckets.structured(), "/buckets").len(), 2, "{}", buckets.body);
        let objects = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
        assert!(objects.is_ok(), "{}", objects.body);
    }
    // One is gone without a word; the session goes on.
    drop(one);
    assert!(replicas[1].call("bucket_list", json!({})).await.unwrap().is_ok());
}
