//! What each toolset would need of the caller's token.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{Standing, Toolset},
    runtime::Cx,
    tools,
};

/// One toolset, as this caller has it.
#[derive(Serialize, JsonSchema)]
pub struct Need {
    toolset: &'static str,
    /// Whether the operator has it on.
    on: bool,
    /// Its tools that this server offers.
    tools: usize,
    /// Of those, the ones that your token opens.
    open: usize,
    /// What your token lacks for the others.
    missing: Vec<String>,
}

/// All toolsets.
pub fn needs(cx: &Cx) -> Vec<Need> {
    Toolset::ALL.iter().map(|toolset| need(cx, *toolset)).collect()
}

fn need(cx: &Cx, toolset: Toolset) -> Need {
    let user = tools_catalog_token(cx);
    let mut need = Need {
        toolset: toolset.name(),
        on: cx.toolsets().contains(&toolset),
        tools: 0,
        open: 0,
        missing: Vec::new(),
    };
    let mut missing = BTreeSet::new();
    for entry in tools::ALL.iter().filter(|entry| entry.toolset == toolset) {
        let is_offered = entry.offered(cx.toolsets(), cx.read_only()).is_ok();
        need.tools += usize::from(is_offered);
        need.open += usize::from(is_offered && entry.is_open_to(cx.grants(), user));
        missing.extend(entry.missing(cx.grants()).iter().map(|action| action.name().to_owned()));
        match entry.catalog.standing() {
            standing if standing <= user => {}
            Standing::Administrator if user == Standing::User => {
                missing.insert("to be an administrator of the catalog".to_owned());
            }
            _ => {
                missing.insert("a token of the catalog".to_owned());
            }
        }
    }
    need.missing = missing.into_iter().collect();
    need
}

/// Whether somebody is an administrator is not asked for this.
fn tools_catalog_token(cx: &Cx) -> Standing {
    if cx.knows_catalog() { Standing::User } else { Standing::Stranger }
}
