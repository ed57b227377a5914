//! The tools of administrators: who is shown them, what they change, and what they refuse.

use std::collections::BTreeSet;

use quilt_mcp_server::{
    demo::{
        Fault, Service, Torn, World,
        client::{Answer, Client},
    },
    domain::{CatalogUse, Toolset},
    tools,
};
use serde_json::{Value, json};

use crate::support::{TestApp, names, serve, tool_names};

const ALICES: &str = "ReadWriteQuilt-alice";
const READER: &str = "ReadQuilt-shared";

/// A world in which alice administers the catalog, and she with the catalog's own token.
async fn administered() -> (TestApp, Client) {
    let app = TestApp::start().await;
    assert!(app.world().registry().make_admin("alice"));
    let alice = catalog(&app, "alice");
    (app, alice)
}

fn catalog(app: &TestApp, name: &str) -> Client {
    app.anonymous().with_token(app.user(name).catalog_token.clone())
}

fn governance() -> impl Iterator<Item = &'static quilt_mcp_server::tool::Entry> {
    tools::ALL.iter().filter(|entry| entry.toolset == Toolset::Governance)
}

async fn shown(client: &Client) -> BTreeSet<String> {
    let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
    listed.into_iter().filter(|name| name.starts_with("admin_")).collect()
}

async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.unwrap();
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// The code of a refusal, and all that was said.
async fn refused(client: &Client, tool: &str, arguments: Value) -> (String, String) {
    let answer: Answer = client.call(tool, arguments).await.unwrap();
    assert!(!answer.is_ok(), "{tool}: {}", answer.body);
    (answer.code().unwrap(), answer.body.to_string())
}

async fn user(client: &Client, name: &str) -> Value {
    done(client, "admin_user_get", json!({"name": name})).await["user"].clone()
}

fn graphql_calls(app: &TestApp) -> usize {
    let calls = app.world().journal().calls();
    calls.iter().filter(|call| call.operation == "POST /graphql").count()
}

/// Arguments that every tool takes, and that change nothing for good.
fn arguments(tool: &str) -> Value {
    match tool {
        "admin_user_create" => json!({"name": "carol", "email": "c@x.org", "role": READER}),
        "admin_user_set_email" => json!({"name": "bob", "email": "b@x.org"}),
        "admin_user_set_admin" => json!({"name": "bob", "admin": true}),
        "admin_user_set_active" => json!({"name": "bob", "active": true}),
        "admin_user_set_role" => json!({"name": "bob", "role": READER}),
        "admin_user_add_roles" => json!({"name": "bob", "roles": [ALICES]}),
        "admin_user_remove_roles" => json!({"name": "bob", "roles": [ALICES]}),
        "admin_sso_config_set" => json!({"config": "version: '1'"}),
        "admin_tabulator_open_query_set" => json!({"enabled": true}),
        one if one.starts_with("admin_user_") => json!({"name": "bob"}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn administrators_are_shown_them_and_nobody_else_is() {
    let (app, alice) = administered().await;
    let all: BTreeSet<String> = governance().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(all.len(), 17);
    assert_eq!(shown(&alice).await, all);
    for client in [catalog(&app, "bob"), app.client("alice")] {
        assert_eq!(shown(&client).await, BTreeSet::new());
    }
    let bob = catalog(&app, "bob");
    app.world().journal().clear();
    for tool in governance() {
        let (code, _) = refused(&bob, tool.name, arguments(tool.name)).await;
        assert_eq!(code, "admin_required", "{}", tool.name);
    }
    assert!(graphql_calls(&app) <= 1, "who he is, and nothing else, and that once");
    app.world().journal().clear();
    for tool in governance() {
        let (code, _) = refused(&app.client("alice"), tool.name, arguments(tool.name)).await;
        assert_eq!(code, "catalog_token_required", "{}", tool.name);
    }
    assert_eq!(graphql_calls(&app), 0);
    assert_eq!(user(&alice, "bob").await["is_admin"], false);
    assert_eq!(done(&alice, "admin_users_list", json!({})).await["count"], 2);
}

#[tokio::test]
async fn a_default_server_has_none_and_a_read_only_one_those_that_read() {
    let default = quilt_mcp_server::config::table::TOOLSETS.default_value().unwrap();
    let default = ("QUILT_MCP_TOOLSETS", default);
    let reads: BTreeSet<String> =
        governance().filter(|e| e.read_only()).map(|e| e.name.to_owned()).collect();
    assert_eq!(reads.len(), 5);
    let cases = [
        (("QUILT_MCP_TOOLSETS", ""), BTreeSet::new()),
        (default, BTreeSet::new()),
        (("QUILT_MCP_READ_ONLY", "true"), reads),
    ];
    for (setting, expected) in cases {
        let app = TestApp::with(&[setting]).await;
        assert!(app.world().registry().make_admin("alice"));
        let alice = catalog(&app, "alice");
        assert_eq!(shown(&alice).await, expected, "{setting:?}");
        for tool in governance().filter(|e| !expected.contains(e.name)) {
            let (code, _) = refused(&alice, tool.name, arguments(tool.name)).await;
            assert_eq!(code, "-32602", "{setting:?} {}", tool.name);
        }
    }
}

#[tokio::test]
async fn what_declares_to_read_reads_and_all_is_plain_and_described() {
    for tool in governance() {
        let reads = ["_get", "_list"].iter().any(|end| tool.name.ends_with(end));
        assert_eq!(tool.read_only(), reads, "{}", tool.name);
        let declared = if reads { CatalogUse::AdminRead } else { CatalogUse::AdminWrite };
        assert_eq!(tool.catalog.declared(), Some(declared), "{}", tool.name);
        let text = json!(tool.spec()).to_string();
        for stumble in ["$ref", "$defs", "\"null\"", "\"format\":\"u", "$schema"] {
            assert!(!text.contains(stumble), "{} has {stumble}", tool.name);
        }
        let spec = json!(tool.spec());
        assert_eq!(spec["inputSchema"]["additionalProperties"], false, "{}", tool.name);
        for (name, schema) in spec["inputSchema"]["properties"].as_object().into_iter().flatten() {
            let whole = schema["description"].is_string() && schema["type"].is_string();
            assert!(whole, "{}.{name}", tool.name);
        }
    }
}

#[tokio::test]
async fn a_user_comes_changes_and_goes() {
    let (app, alice) = administered().await;
    let create = json!({"name": "carol", "email": "c@x.org", "role": READER,
        "extra_roles": [ALICES]});
    let mut dry = create.clone();
    dry["dry_run"] = json!(true);
    let planned = done(&alice, "admin_user_create", dry.clone()).await;
    assert_eq!((&planned["dry_run"], &planned["user"]), (&json!(true), &Value::Null));
    assert!(
        refused(&alice, "admin_user_get", json!({"name": "carol"})).await.1.contains("'carol'")
    );
    let made = done(&alice, "admin_user_create", create.clone()).await;
    assert_eq!(made["user"], user(&alice, "carol").await);
    assert_eq!(made["user"]["extra_roles"], json!([ALICES]));
    assert_eq!(refused(&alice, "admin_user_create", dry).await.0, "already_exists");
    let (code, said) = refused(&alice, "admin_user_create", create).await;
    assert_eq!(code, "invalid_arguments", "{said}");
    assert!(said.contains("input.name: there is a user"), "in the registry's words: {said}");

    let carol = json!({"name": "carol"});
    let detail = done(&alice, "admin_user_get", carol.clone()).await["roles"].clone();
    assert_eq!(names(&detail, ""), [READER, ALICES]);
    assert!(detail[0]["arn"].as_str().unwrap().starts_with("arn:aws:iam::"));
    assert!(["managed", "unmanaged"].contains(&detail[0]["type"].as_str().unwrap()));

    let email = json!({"name": "carol", "email": "new@x.org"});
    let set = done(&alice, "admin_user_set_email", email).await;
    assert_eq!((&set["changed"], &set["before"]["email"]), (&json!(["email"]), &json!("c@x.org")));
    assert_eq!(set["user"]["email"], "new@x.org");
    let reset = done(&alice, "admin_user_reset_password", carol.clone()).await;
    assert_eq!(reset, json!({"name": "carol", "email": "new@x.org"}), "and no password");
    assert_eq!(app.world().registry().password_resets(), ["carol"]);

    for (tool, argument, member, wanted) in [
        ("admin_user_set_admin", "admin", "is_admin", true),
        ("admin_user_set_admin", "admin", "is_admin", false),
        ("admin_user_set_active", "active", "is_active", false),
        ("admin_user_set_active", "active", "is_active", true),
    ] {
        let was = user(&alice, "carol").await;
        let planned =
            done(&alice, tool, json!({"name": "carol", argument: wanted, "dry_run": true})).await;
        assert_eq!(user(&alice, "carol").await, was, "{tool}: nothing changed");
        let set = done(&alice, tool, json!({"name": "carol", argument: wanted})).await;
        assert_eq!((&set["changed"], &set["before"]), (&json!([member]), &was), "{tool}");
        assert_eq!((&planned["user"], &planned["dry_run"]), (&set["user"], &json!(true)));
        assert_eq!(user(&alice, "carol").await[member], wanted, "{tool}");
    }

    let dry = json!({"name": "carol", "dry_run": true});
    let planned = done(&alice, "admin_user_delete", dry).await;
    assert_eq!(
        (&planned["user"], &planned["dry_run"]),
        (&user(&alice, "carol").await, &json!(true))
    );
    let deleted = done(&alice, "admin_user_delete", carol.clone()).await;
    assert_eq!((&deleted["user"], &deleted["dry_run"]), (&planned["user"], &json!(false)));
    let left = done(&alice, "admin_users_list", json!({})).await;
    assert_eq!(names(&left, "/users"), ["alice", "bob"]);
}

/// Carol with this role in use and these others.
async fn carol(alice: &Client, role: &str, extra: &[&str]) {
    let _may_be_nobody = alice.call("admin_user_delete", json!({"name": "carol"})).await.unwrap();
    let create = json!({"name": "carol", "email": "c@x.org", "role": role, "extra_roles": extra});
    done(alice, "admin_user_create", create).await;
}

#[tokio::test]
async fn roles_are_set_added_and_taken_as_a_dry_run_says() {
    let (_app, alice) = administered().await;
    let roles = done(&alice, "admin_roles_list", json!({})).await;
    let roles = names(&roles, "/roles");
    let [reader, alices, bobs] = roles.as_slice() else { panic!("{roles:?}") };
    let (r, a, b) = (reader.as_str(), alices.as_str(), bobs.as_str());
    assert_eq!((r, a), (READER, ALICES));
    // (tool, arguments, the role in use and the others afterwards) for carol with r in use, and a.
    let (set, add, take) =
        ("admin_user_set_role", "admin_user_add_roles", "admin_user_remove_roles");
    let cases = [
        (set, json!({"role": b}), b, vec![a]),
        (set, json!({"role": a}), a, vec![]),
        (set, json!({"role": b, "extra_roles": null}), b, vec![a]),
        (set, json!({"role": b, "extra_roles": []}), b, vec![]),
        (set, json!({"role": b, "extra_roles": [r, b]}), b, vec![r]),
        (set, json!({"role": b, "append": true}), b, vec![r, a]),
        (set, json!({"role": a, "extra_roles": [b], "append": true}), a, vec![r, b]),
        (add, json!({"roles": [b, r, a]}), r, vec![a, b]),
        (take, json!({"roles": [a]}), r, vec![]),
        (take, json!({"roles": [b]}), r, vec![a]),
        (take, json!({"roles": [r], "fallback": a}), a, vec![]),
        (take, json!({"roles": [r, a], "fallback": b}), b, vec![]),
    ];
    for (tool, more, role, extra) in cases {
        carol(&alice, r, &[a]).await;
        let was = user(&alice, "carol").await;
        let mut arguments = more.clone();
        arguments["name"] = json!("carol");
        let mut dry = arguments.clone();
        dry["dry_run"] = json!(true);
        let planned = done(&alice, tool, dry).await;
        assert_eq!(user(&alice, "carol").await, was, "{tool} {more}: a dry run changes nothing");
        let made = done(&alice, tool, arguments).await;
        let is = user(&alice, "carol").await;
        for (what, found) in [("planned", &planned["user"]), ("made", &made["user"]), ("read", &is)]
        {
            assert_eq!(found["role"], role, "{tool} {more} {what}");
            let others: BTreeSet<&str> = found["extra_roles"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r.as_str().unwrap())
                .collect();
            assert_eq!(others, extra.iter().copied().collect(), "{tool} {more} {what}");
        }
        assert_eq!(planned["changed"], made["changed"], "{tool} {more}");
    }
    carol(&alice, r, &[a]).await;
    let (code, said) = refused(&alice, take, json!({"name": "carol", "roles": [r]})).await;
    assert!(code == "invalid_arguments" && said.contains("fallback"), "{said}");
    for dry in [true, false] {
        for (tool, more) in [
            (set, json!({"role": "None"})),
            (set, json!({"role": r, "extra_roles": ["None"]})),
            (add, json!({"roles": ["None"]})),
            (take, json!({"roles": [r], "fallback": "None"})),
        ] {
            let mut arguments = more.clone();
            arguments["name"] = json!("carol");
            arguments["dry_run"] = json!(dry);
            let (code, said) = refused(&alice, tool, arguments).await;
            assert!(code == "invalid_arguments" && said.contains("None"), "{tool} {more}: {said}");
        }
    }
    assert_eq!(user(&alice, "carol").await["role"], r);
}

#[tokio::test]
async fn nobody_takes_his_own_access_away_and_unknown_users_are_told() {
    let (app, alice) = administered().await;
    let own = [
        ("admin_user_delete", json!({"name": "alice"})),
        ("admin_user_set_admin", json!({"name": "alice", "admin": false})),
        ("admin_user_set_active", json!({"name": "alice", "active": false})),
    ];
    for (tool, mut arguments) in own {
        for dry in [true, false] {
            arguments["dry_run"] = json!(dry);
            for token in [&app.user("alice").catalog_token, &app.user("alice").api_key] {
                let alice = app.anonymous().with_token(token.clone());
                let (code, said) = refused(&alice, tool, arguments.clone()).await;
                assert_eq!(code, "invalid_arguments", "{tool}");
                assert!(said.contains("another administrator"), "{tool}: {said}");
            }
        }
    }
    let me = user(&alice, "alice").await;
    assert_eq!((&me["is_admin"], &me["is_active"]), (&json!(true), &json!(true)));
    done(&alice, "admin_user_set_admin", json!({"name": "alice", "admin": true})).await;
    for tool in governance().filter(|e| e.name.starts_with("admin_user_")) {
        if tool.name == "admin_user_create" {
            continue;
        }
        let mut arguments = arguments(tool.name);
        for nobody in ["nobody", "Bob"] {
            arguments["name"] = json!(nobody);
            let (code, said) = refused(&alice, tool.name, arguments.clone()).await;
            assert_eq!(code, "invalid_arguments", "{}", tool.name);
            let told = said.contains(&format!("User '{nobody}' not found"));
            assert!(told && said.contains("admin_users_list"), "{}: {said}", tool.name);
        }
        for bad in ["", " bob", "bob\n", &"x".repeat(257)] {
            arguments["name"] = json!(bad);
            let before = graphql_calls(&app);
            assert_eq!(refused(&alice, tool.name, arguments.clone()).await.0, "invalid_arguments");
            assert_eq!(graphql_calls(&app), before, "{}: nobody was asked", tool.name);
        }
    }
    for (tool, arguments) in [
        ("admin_user_set_email", json!({"name": "bob", "email": "nowhere"})),
        ("admin_user_add_roles", json!({"name": "bob", "roles": []})),
        ("admin_user_remove_roles", json!({"name": "bob", "roles": []})),
        ("admin_user_remove_roles", json!({"name": "bob", "roles": [READER], "fallback": READER})),
        ("admin_user_create", json!({"name": "d", "email": "d@x.org", "role": ""})),
        ("admin_users_list", json!({"limit": 0})),
        ("admin_roles_list", json!({"limit": 1001})),
        ("admin_user_delete", json!({"name": "bob", "sure": true})),
    ] {
        let (code, said) = refused(&alice, tool, arguments.clone()).await;
        assert_eq!(code, "invalid_arguments", "{tool} {arguments}: {said}");
    }
    assert_eq!(done(&alice, "admin_users_list", json!({})).await["count"], 2);
}

#[tokio::test]
async fn users_and_roles_are_listed_in_pages() {
    let (_app, alice) = administered().await;
    for name in ["zoe", "Carol", "dora"] {
        let create = json!({"name": name, "email": format!("{name}@x.org"), "role": READER});
        done(&alice, "admin_user_create", create).await;
    }
    let (mut found, mut next) = (Vec::new(), Value::Null);
    loop {
        let page = done(&alice, "admin_users_list", json!({"limit": 2, "next": next})).await;
        assert_eq!(page["count"], 5);
        assert_eq!(page["truncated"], page["next"].is_string());
        found.extend(names(&page, "/users"));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(found, ["Carol", "alice", "bob", "dora", "zoe"]);
    for (filter, expected) in [
        (json!({"name_contains": "CAR"}), vec!["Carol"]),
        (json!({"name_contains": "@X.org"}), vec!["Carol", "dora", "zoe"]),
        (json!({"only_admins": true}), vec!["alice"]),
        (json!({"only_admins": true, "name_contains": "zoe"}), vec![]),
    ] {
        let page = done(&alice, "admin_users_list", filter.clone()).await;
        assert_eq!(names(&page, "/users"), expected, "{filter}");
        assert_eq!((&page["count"], &page["truncated"]), (&json!(expected.len()), &json!(false)));
    }
    let first = done(&alice, "admin_users_list", json!({"limit": 1})).await["users"][0].clone();
    let members: BTreeSet<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = "name,email,is_active,is_admin,is_sso_only,is_service,date_joined,last_login,role,extra_roles";
    assert_eq!(members, wanted.split(',').collect());
    let roles = done(&alice, "admin_roles_list", json!({"limit": 1})).await;
    assert_eq!((&roles["count"], &roles["next"]), (&json!(3), &roles["roles"][0]["name"]));
    let rest = done(&alice, "admin_roles_list", json!({"next": roles["next"]})).await;
    assert_eq!(names(&rest, "/roles").len(), 2);
}

#[tokio::test]
async fn the_sso_configuration_is_shown_set_and_removed_so_that_it_can_be_set_again() {
    let (_app, alice) = administered().await;
    let (get, set, remove) =
        ("admin_sso_config_get", "admin_sso_config_set", "admin_sso_config_remove");
    assert_eq!(done(&alice, get, json!({})).await, json!({}));
    assert_eq!(done(&alice, remove, json!({})).await, json!({"dry_run": false}));
    let first = "version: '1'\nmappings: []\n";
    let planned = done(&alice, set, json!({"config": first, "dry_run": true})).await;
    assert_eq!(planned, json!({"dry_run": true}));
    assert_eq!(done(&alice, get, json!({})).await, json!({}), "a dry run sets nothing");
    let made = done(&alice, set, json!({"config": first})).await;
    assert_eq!((&made["after"]["text"], &made["before"]), (&json!(first), &Value::Null));
    assert_eq!(made["after"]["uploader"]["name"], "alice");
    // The longest that may be set, of what costs most; shown together with the one before.
    let longest = format!("a: '{}'", "\"".repeat(65536 - 5));
    assert_eq!(longest.len(), 65536);
    for _ in 0..2 {
        done(&alice, set, json!({"config": longest})).await;
    }
    let made = done(&alice, set, json!({"config": first})).await;
    assert_eq!((&made["before"]["text"], &made["after"]["text"]), (&json!(longest), &json!(first)));
    for bad in ["".to_owned(), " \n".to_owned(), format!("{longest} "), "a: \u{1}".to_owned()] {
        assert_eq!(refused(&alice, set, json!({"config": bad})).await.0, "invalid_arguments");
    }
    for bad in ["- a list", "{"] {
        let (code, said) = refused(&alice, set, json!({"config": bad})).await;
        assert!(code == "invalid_arguments" && said.contains("config: "), "{said}");
    }
    let planned = done(&alice, remove, json!({"dry_run": true})).await;
    assert_eq!(done(&alice, get, json!({})).await["config"], planned["removed"]);
    let removed = done(&alice, remove, json!({})).await;
    assert_eq!((&removed["removed"], &removed["dry_run"]), (&planned["removed"], &json!(false)));
    assert_eq!(done(&alice, get, json!({})).await, json!({}));
    done(&alice, set, json!({"config": removed["removed"]["text"]})).await;
    assert_eq!(done(&alice, get, json!({})).await["config"]["text"], first);
}

#[tokio::test]
async fn open_query_is_shown_and_switched() {
    let (_app, alice) = administered().await;
    let (get, set) = ("admin_tabulator_open_query_get", "admin_tabulator_open_query_set");
    for (was, wanted) in [(false, true), (true, true), (true, false)] {
        assert_eq!(done(&alice, get, json!({})).await, json!({"enabled": was}));
        let switched = done(&alice, set, json!({"enabled": wanted})).await;
        assert_eq!(switched, json!({"enabled": wanted, "was_enabled": was}));
        assert_eq!(done(&alice, get, json!({})).await, json!({"enabled": wanted}));
    }
}

#[tokio::test]
async fn who_is_no_administrator_any_more_is_refused_by_the_registry_itself() {
    let (app, alice) = administered().await;
    assert!(app.world().registry().make_admin("bob"));
    assert_eq!(shown(&alice).await.len(), 17);
    let bob = catalog(&app, "bob");
    done(&bob, "admin_user_set_admin", json!({"name": "alice", "admin": false})).await;
    for tool in governance() {
        let (code, said) = refused(&alice, tool.name, arguments(tool.name)).await;
        assert_eq!(code, "catalog_refused", "{}: {said}", tool.name);
        assert!(said.contains("Administrators only"), "{}: {said}", tool.name);
    }
    assert_eq!(done(&bob, "admin_users_list", json!({})).await["count"], 2);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_not_repeated() {
    let (app, alice) = administered().await;
    let create = json!({"name": "carol", "email": "c@x.org", "role": READER});
    assert_eq!(shown(&alice).await.len(), 17);
    for fault in [Fault::Torn(Torn::Reset), Fault::INTERNAL_ERROR] {
        let before = graphql_calls(&app);
        app.world().faults().inject(Service::Registry, fault, 1);
        let (code, said) = refused(&alice, "admin_user_create", create.clone()).await;
        assert_eq!(code, "timeout", "{said}");
        assert_eq!(graphql_calls(&app), before + 1);
    }
}

/// The audit line of every change, and nothing of a configuration in any line.
#[tokio::test]
async fn every_change_has_its_line_and_no_line_has_a_configuration() {
    let world = World::start().await.unwrap();
    assert!(world.registry().make_admin("alice"));
    let server =
        serve(&world, &[("QUILT_MCP_LOG", "info,quilt_mcp_server=trace".to_owned())]).await;
    let alice = world.users().iter().find(|user| user.name == "alice").unwrap();
    let client = Client::new(&server.url).with_token(alice.catalog_token.clone());
    let writes: Vec<_> = governance().filter(|entry| !entry.read_only()).collect();
    assert_eq!(writes.len(), 12);
    let audit = |more: Value| {
        let mut line = json!({"event": "audit", "action": "governance"});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    // The user who is deleted has to be there for the others.
    let last = ["admin_user_delete", "admin_sso_config_remove"];
    let ordered = writes.iter().filter(|e| !last.contains(&e.name));
    for tool in ordered.chain(writes.iter().filter(|e| last.contains(&e.name))) {
        let mut arguments = arguments(tool.name);
        if tool.name.starts_with("admin_sso_config_set") {
            arguments["config"] = json!("version: CANARY-SSO");
        }
        done(&client, tool.name, arguments).await;
        let line = audit(json!({"tool": tool.name, "outcome": "ok", "level": "INFO"}));
        let lines = server.lines_with(&line, 1).await;
        let affects = match tool.name {
            "admin_user_create" => "carol",
            "admin_tabulator_open_query_set" => "tabulator_open_query",
            name if name.starts_with("admin_sso") => "sso_config",
            _ => "bob",
        };
        assert_eq!((lines.len(), &lines[0]["affects"]), (1, &json!(affects)), "{}", tool.name);
        assert_eq!(lines[0]["subject"], alice.subject.as_str());
    }
    done(&client, "admin_user_delete", json!({"name": "carol", "dry_run": true})).await;
    let bad = json!({"config": "{CANARY-SSO"});
    refused(&client, "admin_sso_config_set", bad).await;
    let failed = audit(json!({"outcome": "failed", "level": "WARN", "code": "invalid_arguments",
        "tool": "admin_sso_config_set"}));
    server.lines_with(&failed, 1).await;
    let slow = Fault::Delay(std::time::Duration::from_secs(20));
    world.faults().inject(Service::Registry, slow, 1);
    let create = client.call("admin_user_create", arguments("admin_user_create"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), create).await.is_err());
    let cancelled = audit(json!({"outcome": "cancelled", "tool": "admin_user_create"}));
    server.lines_with(&cancelled, 1).await;
    let all = server.lines_with(&audit(json!({})), 14).await;
    assert_eq!(all.len(), 14, "a dry run has none");
    let text = server.output.lock().unwrap().clone();
    assert!(!text.contains("CANARY-SSO"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(crate::contract::check(&lines) > 28);
}
