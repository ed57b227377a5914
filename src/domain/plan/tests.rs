//! The life of a plan, and what is refused.

use serde_json::{Map, json};

use super::{
    Id, MAX_BYTES, MAX_EVENTS, MAX_FILLED, MAX_STEPS, Moment, NewPlan, NewStep, Outcome, Plan,
    Refused, Status, StepStatus, id_of, key, template,
};

pub fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub fn at(second: i64) -> Moment {
    Moment { at: jiff::Timestamp::from_second(second).unwrap(), change: format!("c{second}") }
}

pub fn plan() -> Plan {
    let new = NewPlan {
        id: id("run-1"),
        name: "Run 1".to_owned(),
        description: String::new(),
        metadata: Map::new(),
    };
    Plan::create(new, None, &at(1)).unwrap()
}

pub fn new_step(name: &str, dependencies: &[&str]) -> NewStep {
    NewStep {
        id: id(name),
        description: format!("do {name}"),
        step_type: id("manual"),
        dependencies: dependencies.iter().map(|name| id(name)).collect(),
        metadata: Map::new(),
    }
}

/// `b` and `c` after `a`, `d` after both.
pub fn diamond() -> Plan {
    let mut plan = plan();
    for (name, after) in [("a", &[][..]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])] {
        plan.add_step(new_step(name, after), &at(2)).unwrap();
    }
    plan
}

fn to(plan: &mut Plan, step: &str, status: StepStatus) -> Result<(), Refused> {
    plan.update_step(&id(step), Outcome { status, result: None, error_message: None }, &at(3))
}

fn state(refused: Result<(), Refused>) -> String {
    match refused {
        Err(Refused::State(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn argument(refused: Result<(), Refused>) -> String {
    match refused {
        Err(Refused::Argument(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_and_ids_belong_together() {
    assert_eq!(key(&id("a.json")), ".quilt-mcp/workflows/a.json.json");
    assert_eq!(id_of(&key(&id("a.json"))), Some(id("a.json")));
    for other in [
        "",
        "a.json",
        ".quilt-mcp/workflows/",
        ".quilt-mcp/workflows/.json",
        ".quilt-mcp/workflows/a",
        ".quilt-mcp/workflows/a/b.json",
    ] {
        assert_eq!(id_of(other), None, "{other}");
    }
}

#[test]
fn the_life_of_a_plan() {
    use StepStatus::{Completed, InProgress, Skipped};
    let mut plan = plan();
    assert_eq!(
        (plan.status(), plan.can_start()),
        (Status::Created, vec![]),
        "no steps, not completed"
    );
    plan = diamond();
    assert_eq!((plan.status(), plan.can_start()), (Status::Created, vec![&id("a")]));
    to(&mut plan, "a", InProgress).unwrap();
    assert_eq!(plan.status(), Status::InProgress);
    assert!(plan.can_start().is_empty());
    to(&mut plan, "a", Completed).unwrap();
    assert_eq!(plan.can_start(), [&id("b"), &id("c")]);
    let failed = Outcome {
        status: StepStatus::Failed,
        result: None,
        error_message: Some("no disk".to_owned()),
    };
    plan.update_step(&id("b"), failed, &at(4)).unwrap();
    assert_eq!((plan.status(), plan.can_start()), (Status::Failed, vec![&id("c")]));
    to(&mut plan, "b", InProgress).unwrap();
    assert_eq!(plan.status(), Status::InProgress);
    assert_eq!(plan.step(&id("b")).unwrap().error_message, None, "it was begun anew");
    let result = json!({"rows": 7}).as_object().cloned();
    plan.update_step(&id("b"), Outcome { status: Completed, result, error_message: None }, &at(5))
        .unwrap();
    to(&mut plan, "c", Skipped).unwrap();
    assert_eq!((plan.status(), plan.can_start()), (Status::InProgress, vec![&id("d")]));
    to(&mut plan, "d", Completed).unwrap();
    assert_eq!(plan.status(), Status::Completed, "a skipped step counts as done");
    let counts = plan.counts();
    assert_eq!((counts.total, counts.completed, counts.skipped, counts.pending), (4, 3, 1, 0));
    let b = plan.step(&id("b")).unwrap();
    assert_eq!((b.started_at, b.ended_at), (Some(at(3).at), Some(at(5).at)));
    assert_eq!((plan.created_at, plan.updated_at), (at(1).at, at(5).at));
    plan.add_step(new_step("e", &["d"]), &at(6)).unwrap();
    assert_eq!(plan.status(), Status::InProgress, "there is something left again");
}

#[test]
fn no_step_is_begun_before_its_dependencies_are_done() {
    use StepStatus::{Completed, Failed, InProgress, Skipped};
    for early in [InProgress, Completed, Failed] {
        let mut plan = diamond();
        let before = plan.clone();
        let why = state(to(&mut plan, "d", early));
        assert!(why.contains("b is pending, c is pending"), "{why}");
        assert_eq!(plan, before, "and nothing was changed");
    }
    let mut plan = diamond();
    to(&mut plan, "a", InProgress).unwrap();
    assert!(state(to(&mut plan, "b", InProgress)).contains("a is in_progress"));
    to(&mut plan, "a", Failed).unwrap();
    assert!(state(to(&mut plan, "b", Completed)).contains("a is failed"));
    to(&mut plan, "d", Skipped).unwrap();
    to(&mut plan, "a", Skipped).unwrap();
    to(&mut plan, "b", Completed).unwrap();
}

#[test]
fn what_makes_no_sense_is_refused_with_what_may_follow() {
    use StepStatus::{Completed, Failed, InProgress, Pending, Skipped};
    let all = [Pending, InProgress, Completed, Failed, Skipped];
    for from in all {
        for next in all {
            let mut plan = diamond();
            if from != Pending {
                to(&mut plan, "a", from).unwrap();
            }
            let allowed = from.next().contains(&next);
            match to(&mut plan, "a", next) {
                Ok(()) => assert!(allowed, "{from} to {next}"),
                refused => {
                    let why = state(refused);
                    assert!(!allowed && why.contains(from.next()[0].as_str()), "{why}");
                }
            }
            assert!(!from.next().contains(&from), "two who begin one step: only one does");
        }
    }
}

#[test]
fn what_others_rely_on_is_not_taken_back() {
    use StepStatus::{Completed, InProgress, Pending, Skipped};
    for done in [Completed, Skipped] {
        let mut plan = diamond();
        to(&mut plan, "a", done).unwrap();
        to(&mut plan, "b", InProgress).unwrap();
        let why = state(to(&mut plan, "a", Pending));
        assert!(why.contains("b depends on it and is in_progress"), "{why}");
        to(&mut plan, "b", Pending).unwrap();
        to(&mut plan, "a", Pending).unwrap();
        assert_eq!(plan.step(&id("a")).unwrap().ended_at, None);
        assert_eq!(plan.status(), Status::Created);
    }
}

#[test]
fn results_and_messages_belong_to_ends() {
    let mut plan = diamond();
    for (status, result, message) in [
        (StepStatus::InProgress, true, false),
        (StepStatus::Pending, true, false),
        (StepStatus::Completed, false, true),
        (StepStatus::Skipped, false, true),
    ] {
        let outcome = Outcome {
            status,
            result: result.then(Map::new),
            error_message: message.then(String::new),
        };
        let why = argument(plan.update_step(&id("a"), outcome, &at(3)));
        assert!(why.contains("belongs to the status"), "{why}");
    }
}

#[test]
fn steps_are_added_only_where_they_fit() {
    let mut plan = diamond();
    for (step, after, why) in [
        ("e", &["x"][..], "no such step; there are: a, b, c, d"),
        ("e", &["e"], "itself"),
        ("e", &["a", "a"], "twice"),
    ] {
        let told = argument(plan.add_step(new_step(step, after), &at(3)));
        assert!(told.contains(why), "{told}");
    }
    assert!(state(plan.add_step(new_step("a", &[]), &at(3))).contains("a step a already"));
    assert!(argument(to(&mut plan, "x", StepStatus::Completed)).contains("no step x"));
    for n in plan.steps.len()..MAX_STEPS {
        plan.add_step(new_step(&format!("s{n}"), &[]), &at(3)).unwrap();
    }
    let why = state(plan.add_step(new_step("more", &[]), &at(3)));
    assert!(why.contains("200 steps"), "{why}");
    let silent = NewStep { description: " ".to_owned(), ..new_step("e", &[]) };
    let why = argument(diamond().add_step(silent, &at(3)));
    assert!(why.contains("description is empty"), "{why}");
}

#[test]
fn texts_and_objects_have_a_largest_size() {
    let new = |name: String, description: usize, metadata| NewPlan {
        id: id("a"),
        name,
        description: "x".repeat(description),
        metadata,
    };
    let object = |n: usize| json!({"k": "x".repeat(n)}).as_object().cloned().unwrap();
    let deep = |n: usize| (0..n).fold(json!(1), |inner, _| json!({"k": inner}));
    let deep = |n: usize| deep(n).as_object().cloned().unwrap();
    let fits = |new| Plan::create(new, None, &at(1)).is_ok();
    assert!(fits(new("é".repeat(200), 4000, object(16 * 1024 - 8))));
    assert!(fits(new("a".to_owned(), 0, deep(16))));
    for (name, description, metadata) in [
        (String::new(), 0, Map::new()),
        (" ".to_owned(), 0, Map::new()),
        ("a\nb".to_owned(), 0, Map::new()),
        ("x".repeat(201), 0, Map::new()),
        ("a".to_owned(), 4001, Map::new()),
        ("a".to_owned(), 0, object(16 * 1024 - 7)),
        ("a".to_owned(), 0, deep(17)),
    ] {
        assert!(!fits(new(name, description, metadata)));
    }
}

#[test]
fn only_the_last_events_are_kept_and_a_change_is_found_again() {
    let mut plan = diamond();
    for n in 10..100 {
        let status = if n % 2 == 0 { StepStatus::InProgress } else { StepStatus::Pending };
        let outcome = Outcome { status, result: None, error_message: None };
        plan.update_step(&id("a"), outcome, &at(n)).unwrap();
    }
    assert_eq!(plan.events.len(), MAX_EVENTS);
    assert!(plan.has("c99") && plan.has("c50") && !plan.has("c49") && !plan.has("c1"));
    assert_eq!(plan.updated_at, at(99).at);
}

/// The room that [`MAX_FILLED`] leaves is enough: a full plan of the most steps can go through all of
/// them, failures included.
#[test]
fn statuses_always_fit_a_plan_that_is_full() {
    let mut plan = plan();
    let name = |n: usize| format!("{n:0>64}");
    for n in 0..MAX_STEPS {
        plan.add_step(new_step(&name(n), &[]), &at(2)).unwrap();
    }
    let mut n = 0;
    while plan.to_bytes(MAX_FILLED - 16_500).is_ok() {
        plan.steps[n].result = json!({"x": "y".repeat(16_000)}).as_object().cloned();
        n += 1;
    }
    let left = MAX_FILLED - plan.to_bytes(MAX_FILLED).unwrap().len();
    plan.steps[n].result = json!({"x": "y".repeat(left - 50)}).as_object().cloned();
    assert!(plan.to_bytes(MAX_FILLED).is_ok() && plan.to_bytes(MAX_FILLED - 100).is_err());
    let mut late = at(253_370_764_800);
    late.at = late.at.checked_add(jiff::SignedDuration::from_millis(123)).unwrap();
    for status in [StepStatus::InProgress, StepStatus::Completed] {
        for step in 0..MAX_STEPS {
            late.change = "f".repeat(32);
            // Results stay as they are: what is looked at is what the others need.
            let result = plan.steps[step].result.clone();
            let outcome = Outcome { status, result: None, error_message: None };
            plan.update_step(&id(&name(step)), outcome, &late).unwrap();
            plan.steps[step].result = result;
        }
    }
    assert_eq!(plan.status(), Status::Completed);
    let bytes = plan.to_bytes(MAX_BYTES).unwrap();
    assert_eq!(Plan::from_bytes(&bytes), Ok(plan));
}

#[test]
fn a_template_becomes_a_plan_that_can_be_carried_out() {
    for template in template::ALL {
        let new = NewPlan {
            id: id("t"),
            name: template.title.to_owned(),
            description: template.description.to_owned(),
            metadata: Map::new(),
        };
        let mut plan = Plan::create(new, Some(template), &at(1)).unwrap();
        assert_eq!(plan.template.as_deref(), Some(template.name));
        while let Some(step) = plan.can_start().first().map(|id| (*id).clone()) {
            to(&mut plan, step.as_str(), StepStatus::Completed).unwrap();
        }
        assert_eq!(plan.status(), Status::Completed, "{}", template.name);
    }
}
