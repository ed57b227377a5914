//! Plans to begin with.

use super::{Id, NewStep};

/// A plan to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// In the tool's argument.
    pub name: &'static str,
    /// The name of plans that are made from it.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The parameters of which its steps speak. Others may be given as well.
    pub params: &'static [&'static str],
    steps: &'static [TemplateStep],
}

#[derive(Clone, Copy, Debug)]
struct TemplateStep {
    id: &'static str,
    step_type: &'static str,
    description: &'static str,
    after: &'static [&'static str],
}

/// There is no template of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no template {0:?}; there are: {names}", names = names())]
pub struct UnknownTemplate(String);

const fn step(
    id: &'static str,
    step_type: &'static str,
    after: &'static [&'static str],
    description: &'static str,
) -> TemplateStep {
    TemplateStep { id, step_type, description, after }
}

/// Every template.
pub const ALL: &[Template] = &[
    Template {
        name: "cross-package-aggregation",
        title: "Aggregate several packages",
        description: "Bring data of several packages together in a new one.",
        params: &["source_packages", "target_package"],
        steps: &[
            step(
                "find-packages",
                "manual",
                &[],
                "Settle which packages and revisions are the sources (parameter source_packages), and note \
                 their top hashes.",
            ),
            step(
                "check-sources",
                "validation",
                &["find-packages"],
                "Validate each source revision, and compare columns, units and identifiers across them.",
            ),
            step(
                "combine",
                "automated",
                &["check-sources"],
                "Combine the data into files of one form; keep from which revision each part came.",
            ),
            step(
                "create-package",
                "automated",
                &["combine"],
                "Create the new package (parameter target_package), with the sources' top hashes in its \
                 metadata.",
            ),
            step(
                "verify-package",
                "validation",
                &["create-package"],
                "Validate the new package, and compare its totals with those of the sources.",
            ),
        ],
    },
    Template {
        name: "environment-promotion",
        title: "Promote a package",
        description: "Take a package from one environment to the next, such as from staging to production.",
        params: &["package", "source_registry", "target_registry", "approver"],
        steps: &[
            step(
                "validate-source",
                "validation",
                &[],
                "Validate the revision to be promoted (parameters package, source_registry), and note its top \
                 hash.",
            ),
            step(
                "approve",
                "manual",
                &["validate-source"],
                "Have the promotion approved by whoever answers for the target (parameter approver).",
            ),
            step(
                "promote",
                "automated",
                &["approve"],
                "Create the package in the target (parameter target_registry) from the approved revision.",
            ),
            step(
                "verify-target",
                "validation",
                &["promote"],
                "Compare the revision in the target with the approved one: the same files, sizes and hashes.",
            ),
        ],
    },
    Template {
        name: "longitudinal-analysis",
        title: "Compare over time",
        description: "Follow measurements over the revisions of a package, or over several packages.",
        params: &["packages", "start", "end", "measure"],
        steps: &[
            step(
                "collect-revisions",
                "manual",
                &[],
                "List the revisions of the period (parameters packages, start, end), and choose one for each \
                 point in time.",
            ),
            step(
                "align-data",
                "automated",
                &["collect-revisions"],
                "Bring names, units and identifiers of all points in time to one form.",
            ),
            step(
                "analyze-trend",
                "automated",
                &["align-data"],
                "Compute the change over time (parameter measure), with its uncertainty and missing points.",
            ),
            step(
                "publish-report",
                "manual",
                &["analyze-trend"],
                "Write down the findings, and push them as a package that names the revisions used.",
            ),
        ],
    },
    Template {
        name: "data-validation",
        title: "Validate data",
        description: "Check a package's files and metadata, and say what was found.",
        params: &["package", "checks"],
        steps: &[
            step(
                "check-files",
                "validation",
                &[],
                "Check that every file of the revision is there, with the size and hash that it should have \
                 (parameter package).",
            ),
            step(
                "check-content",
                "validation",
                &["check-files"],
                "Check the content: columns, types, ranges, missing values (parameter checks).",
            ),
            step(
                "report",
                "manual",
                &["check-content"],
                "Write down what was found and what has to be corrected, and by whom.",
            ),
        ],
    },
];

/// The template of this name.
///
/// # Errors
/// [`UnknownTemplate`] names those that there are.
pub fn find(name: &str) -> Result<&'static Template, UnknownTemplate> {
    let found = ALL.iter().find(|template| template.name == name);
    found.ok_or_else(|| UnknownTemplate(name.chars().take(80).collect()))
}

fn names() -> String {
    ALL.iter().map(|template| template.name).collect::<Vec<_>>().join(", ")
}

impl Template {
    /// Its steps, each behind those on which it depends.
    pub fn steps(&self) -> impl Iterator<Item = NewStep> {
        self.steps.iter().map(|step| NewStep {
            id: Id::known(step.id),
            description: step.description.to_owned(),
            step_type: Id::known(step.step_type),
            dependencies: step.after.iter().map(|id| Id::known(id)).collect(),
            metadata: serde_json::Map::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_steps_and_they_speak_of_its_parameters() {
        let sizes: Vec<_> = ALL.iter().map(|t| (t.name, t.steps.len())).collect();
        assert_eq!(
            sizes,
            [
                ("cross-package-aggregation", 5),
                ("environment-promotion", 4),
                ("longitudinal-analysis", 4),
                ("data-validation", 3)
            ]
        );
        for template in ALL {
            assert_eq!(find(template.name).map(|t| t.title), Ok(template.title));
            let steps: Vec<NewStep> = template.steps().collect();
            for id in steps.iter().flat_map(|s| s.dependencies.iter().chain([&s.id, &s.step_type]))
            {
                assert!(Id::parse(id.as_str()).is_ok(), "{id}");
            }
            let said: String = steps.iter().map(|step| step.description.as_str()).collect();
            for param in template.params {
                assert!(said.contains(param), "{}: nothing about {param}", template.name);
            }
        }
    }

    #[test]
    fn an_unknown_one_is_told_with_those_that_there_are() {
        let told = find("promotion").map(|t| t.name).unwrap_err().to_string();
        assert!(ALL.iter().all(|template| told.contains(template.name)), "{told}");
    }
}
