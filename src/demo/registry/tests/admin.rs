//! Roles and people: what everybody may change of themselves, and what only administrators may.

use super::*;

fn user(desk: &Desk, file: &str, variables: Value) -> Value {
    desk.run("alice", file, variables)["admin"]["user"].clone()
}

/// What a mutation of one user came to.
fn change(desk: &Desk, file: &str, field: &str, variables: Value) -> Value {
    user(desk, file, variables)["mutate"][field].clone()
}

fn desk() -> Desk {
    let desk = Desk::new();
    assert!(desk.registry.make_admin("alice") && !desk.registry.make_admin("nobody"));
    desk
}

#[test]
fn a_user_switches_among_their_own_roles() {
    let desk = Desk::new();
    let switch = |role: &str| {
        desk.run("alice", "switch_role", json!({ "roleName": role }))["switchRole"].clone()
    };
    let me = switch("Reader");
    assert_eq!(me["__typename"], "Me");
    assert_eq!(me["role"]["name"], "Reader");
    assert_eq!(me["roles"], json!([{ "name": "Alices" }, { "name": "Reader" }]));
    assert!(!desk.account("alice").role.buckets.contains_key(LAB));
    for other in ["Bobs", "None"] {
        let refused = switch(other);
        assert_eq!(refused["__typename"], "InvalidInput", "{other}");
        assert_eq!(refused["errors"][0]["path"], "roleName");
    }
    assert_eq!(desk.account("alice").role.name, "Reader");
    assert_eq!(switch("Alices")["role"]["name"], "Alices");
    assert_eq!(desk.account("bob").role.name, "Bobs");
}

#[test]
fn nobody_else_administers() {
    let desk = desk();
    let sso = json!({ "config": "version: '1'" });
    for (file, variables) in [
        ("admin_users_list", json!({})),
        ("admin_user_get", json!({ "name": "bob" })),
        ("admin_user_set_admin", json!({ "name": "bob", "admin": true })),
        ("admin_roles_list", json!({})),
        ("admin_sso_config_get", json!({})),
        ("admin_sso_config_set", sso),
        ("admin_tabulator_open_query_set", json!({ "enabled": true })),
        ("tabulator_set_old", json!({ "bucketName": SHARED, "tableName": "t", "config": null })),
    ] {
        for old in [false, true] {
            desk.registry.speak_old(old);
            let answer = desk.ask("bob", &operation(file), &variables);
            assert_eq!(answer["data"], Value::Null, "{file}: {answer}");
            let message = answer["errors"][0]["message"].as_str().expect("a message");
            assert!(message.ends_with("Administrators only"), "{file}: {message}");
        }
    }
    assert!(!desk.account("bob").is_admin);
    assert_eq!(desk.run("alice", "me", json!({}))["me"]["isAdmin"], true);
    let all = desk.run("alice", "bucket_configs", json!({}))["bucketConfigs"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(3), "administrators are told of every bucket");
}

#[test]
fn people_come_change_and_go() {
    let desk = desk();
    let input = |name: &str, email: &str, role: &str| json!({ "input": { "name": name, "email": email, "role": role, "extraRoles": ["Reader"] } });
    let made = user(&desk, "admin_user_create", input("carol", "c@demo.invalid", "Bobs"))["create"]
        .clone();
    assert_eq!((&made["name"], &made["isActive"]), (&json!("carol"), &json!(true)));
    assert_eq!(made["role"]["__typename"], "ManagedRole");
    assert_eq!(made["extraRoles"][0]["__typename"], "UnmanagedRole");
    for (path, variables) in [
        ("input.name", input("carol", "d@demo.invalid", "Bobs")),
        ("input.name", input("c d", "d@demo.invalid", "Bobs")),
        ("input.email", input("dora", "c@demo.invalid", "Bobs")),
        ("input.email", input("dora", "nowhere", "Bobs")),
        ("input.role", input("dora", "d@demo.invalid", "None")),
    ] {
        let refused = user(&desk, "admin_user_create", variables)["create"].clone();
        assert_eq!(refused["errors"][0]["path"], path, "{refused}");
    }
    let list = user(&desk, "admin_users_list", json!({}))["list"].clone();
    let names: Vec<_> = list.as_array().expect("users").iter().map(|u| &u["name"]).collect();
    assert_eq!(names, ["alice", "bob", "carol"]);

    let bob = |more: Value| {
        let mut variables = json!({ "name": "bob" });
        variables.as_object_mut().expect("one").extend(more.as_object().cloned().expect("one"));
        variables
    };
    let email = bob(json!({ "email": "b@demo.invalid" }));
    assert_eq!(change(&desk, "admin_user_set_email", "setEmail", email)["email"], "b@demo.invalid");
    let on = change(&desk, "admin_user_set_admin", "setAdmin", bob(json!({ "admin": true })));
    assert!(on["isAdmin"] == true && desk.account("bob").is_admin);
    let reset = change(&desk, "admin_user_reset_password", "resetPassword", bob(json!({})));
    assert_eq!(
        (&reset["__typename"], desk.registry.password_resets()),
        (&json!("Ok"), vec!["bob".to_owned()])
    );
    change(&desk, "admin_user_set_active", "setActive", bob(json!({ "active": false })));
    assert!(desk.registry.authenticate("qk_bob").is_none());
    change(&desk, "admin_user_set_active", "setActive", bob(json!({ "active": true })));
    assert!(desk.registry.authenticate("qk_bob").is_some());
    let gone = change(&desk, "admin_user_delete", "delete", bob(json!({})));
    assert_eq!(gone["__typename"], "Ok");
    assert!(desk.registry.authenticate("qk_bob").is_none());
    assert_eq!(user(&desk, "admin_user_get", bob(json!({})))["get"], Value::Null);
    assert_eq!(user(&desk, "admin_user_delete", bob(json!({})))["mutate"], Value::Null);
}

#[test]
fn roles_are_given_and_taken() {
    let desk = desk();
    let roles = |user: &Value| {
        let extra = user["extraRoles"].as_array().expect("roles").iter();
        let extra: Vec<_> = extra.map(|role| role["name"].as_str().expect("a name")).collect();
        format!("{} + {}", user["role"]["name"].as_str().expect("a name"), extra.join(", "))
    };
    let add = |names: Value| {
        change(&desk, "admin_user_add_roles", "addRoles", json!({ "name": "bob", "roles": names }))
    };
    let remove = |names: Value, fallback: Value| {
        let variables = json!({ "name": "bob", "roles": names, "fallback": fallback });
        change(&desk, "admin_user_remove_roles", "removeRoles", variables)
    };
    let set = |role: &str, extra: Value, append: bool| {
        let variables =
            json!({ "name": "bob", "role": role, "extraRoles": extra, "append": append });
        change(&desk, "admin_user_set_role", "setRole", variables)
    };
    assert_eq!(roles(&add(json!(["Alices"]))), "Bobs + Alices, Reader");
    assert_eq!(roles(&remove(json!(["Reader"]), Value::Null)), "Bobs + Alices");
    assert_eq!(remove(json!(["Bobs"]), Value::Null)["errors"][0]["path"], "fallback");
    assert_eq!(roles(&remove(json!(["Bobs"]), json!("Alices"))), "Alices + ");
    assert_eq!(roles(&set("Reader", json!(["Bobs"]), true)), "Reader + Alices, Bobs");
    assert_eq!(roles(&set("Bobs", Value::Null, false)), "Bobs + ");
    assert_eq!(add(json!(["None"]))["errors"][0]["path"], "roles");
    assert_eq!(set("None", Value::Null, false)["errors"][0]["path"], "role");
    let all = desk.run("alice", "admin_roles_list", json!({}))["roles"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert!(all[0]["arn"].as_str().is_some_and(|arn| arn.ends_with(":role/Alices")), "{all}");
}

#[test]
fn single_sign_on_and_open_query_are_settings() {
    let desk = desk();
    let get = |file: &str| desk.run("alice", file, json!({}))["admin"].clone();
    assert_eq!(get("admin_sso_config_get")["ssoConfig"], Value::Null);
    let set = |config: Value| {
        let data = desk.run("alice", "admin_sso_config_set", json!({ "config": config }));
        data["admin"]["setSsoConfig"].clone()
    };
    let text = "version: '1.0'\ndefault_role: Reader\n";
    assert_eq!(set(json!(text))["text"], text);
    assert_eq!(set(json!("a: [1"))["errors"][0]["path"], "config");
    let told = get("admin_sso_config_get")["ssoConfig"].clone();
    assert_eq!((&told["text"], &told["uploader"]["name"]), (&json!(text), &json!("alice")));
    assert_eq!(set(Value::Null), Value::Null);
    assert_eq!(get("admin_sso_config_get")["ssoConfig"], Value::Null);

    assert_eq!(get("admin_tabulator_open_query_get")["tabulatorOpenQuery"], false);
    let on = desk.run("alice", "admin_tabulator_open_query_set", json!({ "enabled": true }));
    assert_eq!(on["admin"]["setTabulatorOpenQuery"]["tabulatorOpenQuery"], true);
    assert_eq!(get("admin_tabulator_open_query_get")["tabulatorOpenQuery"], true);
}
