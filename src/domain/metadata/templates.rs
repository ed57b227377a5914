use serde_json::{Map, Value, json};

/// What a field has until somebody fills it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Initial {
    Text(&'static str),
    Yes,
    EmptyList,
    /// The day on which the template was asked for.
    Today,
    /// Somebody must fill it in.
    Open,
}

/// One field of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the metadata.
    pub name: &'static str,
    /// What it says, with an example.
    pub meaning: &'static str,
    initial: Initial,
}

/// A set of fields that packages of one kind usually have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// In the tools' arguments.
    pub name: &'static str,
    /// For which packages it is meant.
    pub description: &'static str,
    /// Those of every template come first.
    fields: &'static [Field],
    package_type: &'static str,
}

/// There is no template of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no template {0:?}; there are {names}", names = names())]
pub struct UnknownTemplate(String);

const fn text(name: &'static str, initial: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning, initial: Initial::Text(initial) }
}

const fn open(name: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning, initial: Initial::Open }
}

/// Every template has these.
const COMMON: &[Field] = &[
    open("description", "What the package holds and what it is for, in one or two sentences"),
    text("created_by", "quilt-mcp-server", "The person or program that made the package"),
    Field {
        name: "creation_date",
        meaning: "The day on which the package was made, as YYYY-MM-DD",
        initial: Initial::Today,
    },
    Field {
        name: "package_type",
        meaning: "The kind of package, for searching",
        initial: Initial::Open,
    },
    text("version", "1.0.0", "The version of the content, as its authors count"),
];

/// Every template, the general one first.
pub const ALL: &[Template] = &[
    Template {
        name: "standard",
        description: "Data of any kind",
        package_type: "data",
        fields: &[],
    },
    Template {
        name: "genomics",
        description: "Sequencing data and what is computed from it",
        package_type: "data",
        fields: &[
            text("data_type", "genomics", "The kind of data, such as genomics or transcriptomics"),
            open("organism", "The species, such as Homo sapiens"),
            open("genome_build", "The reference that was aligned to, such as GRCh38"),
            open("sequencing_platform", "The instrument, such as Illumina NovaSeq 6000"),
            open("analysis_type", "What was done, such as RNA-seq or variant calling"),
        ],
    },
    Template {
        name: "ml",
        description: "Data sets for machine learning",
        package_type: "ml_dataset",
        fields: &[
            text("data_type", "machine_learning", "The kind of data"),
            text("dataset_stage", "processed", "raw, processed, train, validation or test"),
            Field {
                name: "model_ready",
                meaning: "Whether a model can be trained on it as it is",
                initial: Initial::Yes,
            },
            open("features_count", "The number of features, without the target"),
            open("target_variable", "The column or label that is to be predicted"),
        ],
    },
    Template {
        name: "research",
        description: "Data of a study",
        package_type: "data",
        fields: &[
            text("data_type", "research", "The kind of data"),
            open("study_type", "How it was studied, such as cohort, trial or simulation"),
            open("research_domain", "The field, such as neuroscience"),
            text(
                "publication_status",
                "unpublished",
                "unpublished, preprint, in review or published",
            ),
        ],
    },
    Template {
        name: "analytics",
        description: "Figures and reports of an organisation",
        package_type: "data",
        fields: &[
            text("data_type", "business_analytics", "The kind of data"),
            open("analysis_period", "The time it covers, such as 2025-Q3"),
            open("business_unit", "Whose figures they are"),
            Field {
                name: "metrics_included",
                meaning: "The names of the measures",
                initial: Initial::EmptyList,
            },
        ],
    },
];

/// The template of this exact name.
///
/// # Errors
/// There is none; the error lists those that there are.
pub fn template(name: &str) -> Result<&'static Template, UnknownTemplate> {
    let found = ALL.iter().find(|t| t.name == name);
    found.ok_or_else(|| UnknownTemplate(name.chars().take(80).collect()))
}

fn names() -> String {
    ALL.iter().map(|t| t.name).collect::<Vec<_>>().join(", ")
}

impl Template {
    /// Its fields, the common ones first.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        COMMON.iter().chain(self.fields)
    }

    /// What a field of this template begins with; `null` where somebody must fill it in.
    pub fn initial(&self, field: &Field, today: &str) -> Value {
        match field.initial {
            _ if field.name == "package_type" => json!(self.package_type),
            Initial::Text(text) => json!(text),
            Initial::Yes => json!(true),
            Initial::EmptyList => json!([]),
            Initial::Today => json!(today),
            Initial::Open => Value::Null,
        }
    }

    /// The metadata to begin with: the template's fields, in place of or beside which the given ones
    /// stand. `today` is a date, `YYYY-MM-DD`.
    pub fn fill(&self, today: &str, custom: Map<String, Value>) -> Map<String, Value> {
        let initial = |field: &Field| (field.name.to_owned(), self.initial(field, today));
        let mut metadata: Map<String, Value> = self.fields().map(initial).collect();
        metadata.extend(custom);
        metadata
    }

    /// Those of its fields which this metadata lacks, or has as `null`, an empty text or an empty list.
    pub fn missing(&self, metadata: &Map<String, Value>) -> Vec<&'static Field> {
        let given = |field: &&Field| match metadata.get(field.name) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        };
        self.fields().filter(|field| !given(field)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_template_has_its_fields_once() {
        let expected = [
            ("standard", 5, ""),
            ("genomics", 10, "organism"),
            ("ml", 10, "target_variable"),
            ("research", 9, "publication_status"),
            ("analytics", 9, "metrics_included"),
        ];
        assert_eq!(ALL.len(), expected.len());
        for (name, count, field) in expected {
            let template = template(name).unwrap();
            let mut names: Vec<_> = template.fields().map(|f| f.name).collect();
            assert_eq!(names.len(), count, "{name}");
            assert!(field.is_empty() || names.contains(&field), "{name}");
            assert!(template.fields().all(|f| !f.meaning.is_empty()));
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_others() {
        for name in ["", "Standard", "genomic"] {
            let error = template(name).unwrap_err().to_string();
            assert!(error.contains("standard, genomics, ml, research, analytics"), "{error}");
        }
        assert!(template(&"x".repeat(10_000)).unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn what_is_given_stands_and_what_is_open_is_told() {
        let ml = template("ml").unwrap();
        let custom = json!({"target_variable": "price", "version": "2", "mine": [1]});
        let Value::Object(custom) = custom else { unreachable!() };
        let filled = ml.fill("2026-07-01", custom);
        assert_eq!(filled["creation_date"], "2026-07-01");
        assert_eq!(filled["package_type"], "ml_dataset");
        assert_eq!(filled["version"], "2");
        assert_eq!(filled["mine"], json!([1]));
        let open: Vec<_> = ml.missing(&filled).iter().map(|f| f.name).collect();
        assert_eq!(open, ["description", "features_count"]);
    }
}
