use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

use super::{
    violation::{Rule, Violation, cut},
    yaml,
};

/// The newest version of the format that quilt3 8 knows.
const NEWEST: [u64; 3] = [1, 1, 0];

/// The configuration cannot be used; why, in a sentence. It names no secret: the text is a registry's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The workflows of a registry.
#[derive(Debug)]
pub struct Config {
    required: bool,
    default: Option<String>,
    workflows: BTreeMap<String, Workflow>,
    schemas: BTreeMap<String, String>,
    successors: Vec<Successor>,
}

/// What the pusher asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Nothing: the registry's default applies.
    Default,
    /// That there be no workflow (quilt3's `workflow=None`, the registry's `""`).
    None,
    /// The workflow of this id.
    Id(&'a str),
}

impl<'a> Asked<'a> {
    /// From a tool's optional argument: absent, empty, or an id.
    pub fn of(argument: Option<&'a str>) -> Self {
        match argument {
            None => Asked::Default,
            Some("") => Asked::None,
            Some(id) => Asked::Id(id),
        }
    }
}

/// One workflow.
#[derive(Debug)]
pub struct Workflow {
    /// Its key in the configuration.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// A package's name must match it somewhere. It is compiled when a name is judged.
    pub handle_pattern: Option<String>,
    /// Whether a message is required.
    pub is_message_required: bool,
    /// Id of the schema of a package's user metadata.
    pub metadata_schema: Option<String>,
    /// Id of the schema of the list of entries.
    pub entries_schema: Option<String>,
    urls: BTreeMap<String, String>,
}

/// A bucket that packages of this registry may be promoted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// `s3://bucket`.
    pub url: String,
    /// For people.
    pub title: String,
    /// Whether the objects are copied along.
    pub copy_data: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: Version,
    #[serde(default = "yes", deserialize_with = "truth")]
    is_workflow_required: bool,
    #[serde(default, deserialize_with = "given")]
    default_workflow: Option<String>,
    workflows: Map<String, Value>,
    #[serde(default, deserialize_with = "some")]
    schemas: BTreeMap<String, SchemaEntry>,
    #[serde(default, deserialize_with = "some")]
    successors: BTreeMap<String, SuccessorEntry>,
    #[serde(rename = "catalog")]
    _catalog: Option<Value>,
}

fn yes() -> bool {
    true
}

/// A text where the member is there; `null` is none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// A mapping that is not empty, where the member is there.
fn some<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let map = BTreeMap::deserialize(deserializer)?;
    match map.is_empty() {
        true => Err(D::Error::custom("schemas and successors are left out where there are none")),
        false => Ok(map),
    }
}

/// A boolean, also in the spellings of YAML 1.1, which PyYAML reads.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelled {
        Plain(bool),
        Text(String),
    }
    let no_boolean = || D::Error::custom("a boolean is needed: true or false");
    match Spelled::deserialize(deserializer).map_err(|_| no_boolean())? {
        Spelled::Plain(truth) => Ok(truth),
        Spelled::Text(text) => match text.as_str() {
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(true),
            "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(false),
            _ => Err(no_boolean()),
        },
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Plain(String),
    Compound(Compound),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compound {
    base: String,
    #[serde(default, deserialize_with = "given")]
    catalog: Option<String>,
}

#[derive(Deserialize)]
struct SchemaEntry {
    url: String,
}

#[derive(Deserialize)]
struct SuccessorEntry {
    title: String,
    #[serde(default = "yes", deserialize_with = "truth")]
    copy_data: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowEntry {
    name: String,
    #[serde(default, deserialize_with = "given")]
    description: Option<String>,
    #[serde(default, deserialize_with = "given")]
    handle_pattern: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    is_message_required: bool,
    #[serde(default, deserialize_with = "given")]
    metadata_schema: Option<String>,
    #[serde(default, deserialize_with = "given")]
    entries_schema: Option<String>,
    #[serde(rename = "catalog")]
    _catalog: Option<Value>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What in it is not as the format wants it, or beyond what is read (256 KiB, its depth, aliases).
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let value =
            yaml::parse(text).map_err(|why| ConfigError(format!("no usable YAML: {why}")))?;
        if !value.is_object() {
            return Err(ConfigError("it must be a mapping with version and workflows".to_owned()));
        }
        let document: Document =
            serde_json::from_value(value).map_err(|why| ConfigError(cut(&why)))?;
        document.version.check()?;
        let schemas: BTreeMap<_, _> =
            document.schemas.into_iter().map(|(id, schema)| (id, schema.url)).collect();
        if document.successors.values().any(|successor| successor.title.is_empty()) {
            return Err(ConfigError("the title of a successor is empty".to_owned()));
        }
        let mut workflows = BTreeMap::new();
        for (id, entry) in document.workflows {
            let workflow = Workflow::parse(&id, entry, &schemas)?;
            workflows.insert(id, workflow);
        }
        if workflows.is_empty() {
            return Err(ConfigError("workflows must name one workflow at least".to_owned()));
        }
        let successors = document.successors.into_iter().map(|(url, s)| Successor {
            url,
            title: s.title,
            copy_data: s.copy_data,
        });
        let (required, default) = (document.is_workflow_required, document.default_workflow);
        Ok(Self { required, default, workflows, schemas, successors: successors.collect() })
    }

    /// The workflow that applies; `None` where none does.
    ///
    /// # Errors
    /// A workflow is required and there is none, the named one does not exist, or one of its schemas
    /// is not in the configuration.
    pub fn choose(&self, asked: Asked<'_>) -> Result<Option<&Workflow>, Violation> {
        let id = match asked {
            Asked::Default => self.default.as_deref(),
            Asked::None => None,
            Asked::Id(id) => Some(id),
        };
        let Some(id) = id else {
            if !self.required {
                return Ok(None);
            }
            let why = format!("the registry requires a workflow; name one of {}", self.ids());
            return Err(Violation::of(None, Rule::IsWorkflowRequired, why));
        };
        let workflow = self.workflows.get(id).ok_or_else(|| {
            let why = format!("there is no such workflow; the registry has {}", self.ids());
            Violation::of(Some(id), Rule::Workflows, why)
        })?;
        for schema in workflow.schema_ids() {
            let why = match self.schemas.get(schema).map(String::as_str) {
                Some(url) if url.starts_with("s3://") => continue,
                Some(url) => format!("the schema {schema:?} is not in S3: {url}"),
                None => format!("the configuration has no schema {schema:?}"),
            };
            return Err(Violation::of(Some(id), Rule::Schemas, why));
        }
        Ok(Some(workflow))
    }

    /// Every workflow, by id.
    pub fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values()
    }

    /// The id of the workflow that applies when none is asked for.
    pub fn default_workflow(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// Whether a package must have a workflow.
    pub fn is_workflow_required(&self) -> bool {
        self.required
    }

    /// Where packages of this registry may be promoted to.
    pub fn successors(&self) -> &[Successor] {
        &self.successors
    }

    fn ids(&self) -> String {
        let ids: Vec<&str> = self.workflows.keys().map(String::as_str).collect();
        ids.join(", ")
    }
}

impl Version {
    fn check(&self) -> Result<(), ConfigError> {
        let text = match self {
            Version::Plain(text) => text,
            Version::Compound(Compound { base, catalog }) => {
                catalog.as_deref().map(numbers).transpose()?;
                base
            }
        };
        if numbers(text)? > NEWEST {
            let why = format!("the version {} is newer than 1.1.0, the newest known", cut(text));
            return Err(ConfigError(why));
        }
        Ok(())
    }
}

/// The numbers of a version such as `1` or `1.1.0`.
fn numbers(text: &str) -> Result<[u64; 3], ConfigError> {
    let parts: Vec<&str> = text.split('.').collect();
    let plain = |part: &&str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits && (*part == "0" || !part.starts_with('0'))
    };
    if parts.len() > 3 || !parts.iter().all(plain) || parts.first() == Some(&"0") {
        return Err(ConfigError(format!("the version {:?} is not like \"1\"", cut(&text))));
    }
    // What does not fit 64 bits is newer than anything.
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().unwrap_or(u64::MAX);
    }
    Ok(numbers)
}

impl Workflow {
    fn parse(
        id: &str,
        entry: Value,
        schemas: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let short = cut(&id);
        let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
        let fits = id.len() <= 64
            && id.starts_with(first)
            && id.chars().all(|c| first(c) || c.is_ascii_digit());
        if !fits {
            let why = "at most 64 letters, digits, _ and -, not beginning with a digit";
            return Err(ConfigError(format!("a workflow is called {short:?}; allowed are {why}")));
        }
        let entry: WorkflowEntry = serde_json::from_value(entry)
            .map_err(|why| ConfigError(cut(&format_args!("workflow {short:?}: {why}"))))?;
        for (member, text) in
            [("name", Some(&entry.name)), ("description", entry.description.as_ref())]
        {
            if text.is_some_and(String::is_empty) {
                return Err(ConfigError(format!("workflow {short:?}: {member} is empty")));
            }
        }
        let given = |text: Option<String>| text.filter(|t| !t.is_empty());
        let mut workflow = Self {
            id: id.to_owned(),
            name: entry.name,
            description: entry.description,
            handle_pattern: given(entry.handle_pattern),
            is_message_required: entry.is_message_required,
            metadata_schema: given(entry.metadata_schema),
            entries_schema: given(entry.entries_schema),
            urls: BTreeMap::new(),
        };
        let named = workflow.schema_ids().filter_map(|id| schemas.get_key_value(id));
        workflow.urls = named.map(|(id, url)| (id.clone(), url.clone())).collect();
        Ok(workflow)
    }

    /// The schemas that it needs, as pairs of id and `s3://` URL, which may have a `versionId`.
    /// The caller fetches them as the user.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &str)> {
        self.urls.iter().map(|(id, url)| (id.as_str(), url.as_str()))
    }

    fn schema_ids(&self) -> impl Iterator<Item = &str> {
        self.metadata_schema.iter().chain(&self.entries_schema).map(String::as_str)
    }
}
