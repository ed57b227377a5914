//! What the fuzz target asks, asked of pieces and mixtures of statements.

#[path = "../../fuzz/sql.rs"]
mod sql;

use std::sync::LazyLock;

use proptest::prelude::*;

static STATEMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let corpus = include_str!("../../src/domain/sql/tests/corpus.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(corpus).unwrap();
    cases.iter().map(|case| case["sql"].as_str().unwrap().to_owned()).collect()
});

#[test]
fn what_holds_of_any_text_holds_of_the_corpus() {
    assert!(STATEMENTS.len() > 150);
    STATEMENTS.iter().for_each(|statement| sql::holds(statement));
}

/// A statement up to a place, and another one from a place on.
fn mixture() -> impl Strategy<Value = String> {
    let piece = || (0..STATEMENTS.len(), 0..200_usize);
    (piece(), piece(), "[ -~\\n]{0,4}").prop_map(|((one, to), (other, from), between)| {
        let chars = |at: usize| STATEMENTS[at].chars();
        let begin: String = chars(one).take(to).collect();
        let end: String = chars(other).skip(from).collect();
        format!("{begin}{between}{end}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_holds_of_any_text_holds_of_mixtures(text in mixture()) {
        sql::holds(&text);
    }
}
