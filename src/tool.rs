//! How a tool is written, and what everything else derives from it.
//!
//! A tool is a struct: its fields are the arguments, its doc comment is the description, `NEEDS`
//! is its authority. [`Entry::of`] turns the type into a constant that the catalogue lists.

use std::collections::BTreeSet;

use futures_util::{FutureExt, future::BoxFuture};
use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value, json};

use crate::{
    domain::{Access, Action, CatalogNeed, CatalogUse, Grants, Standing, Toolset},
    error::ToolError,
    runtime::{self, Cx, RuntimeContext},
};

/// A JSON object.
pub type Object = Map<String, Value>;

/// What a tool answers: the structured result, and perhaps pictures beside it.
#[derive(Debug, Default)]
pub struct Output {
    /// Fits the tool's output schema.
    pub structured: Object,
    /// What a client can show to people and models, in this order.
    pub images: Vec<Image>,
}

/// A picture, as MCP sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `image/png`, …
    pub mime_type: &'static str,
    /// The file in base64.
    pub base64: String,
}

/// What a tool's `run` returns.
pub type Result<T> = std::result::Result<T, ToolError>;

/// One tool of the server.
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// The name on the wire: `^[a-z][a-z0-9_]{0,63}$`.
    const NAME: &'static str;
    /// A few words for people.
    const TITLE: &'static str;
    /// The family it belongs to.
    const TOOLSET: Toolset;
    /// What it cannot do without. A caller who lacks one of these neither sees nor calls it.
    const NEEDS: &'static [Action];
    /// What it does besides, where the caller may.
    const USES: &'static [Action] = &[];
    /// What it only asks about, without doing it. This makes no tool a writing one: a probe opens the
    /// one method that cannot carry the action out, and read-only mode takes it away.
    const PROBES: &'static [Action] = &[];
    /// What it does through the catalog's registry.
    const CATALOG: CatalogNeed = CatalogNeed::Nothing;
    /// Whether it is told how its caller's token is written (never the token).
    const DESCRIBES_TOKEN: bool = false;
    /// Its structured result, always a JSON object.
    type Output: Serialize + JsonSchema;

    /// Does it, as the caller.
    fn run(self, cx: &Cx) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Takes the pictures out of a result that has some. They count as part of the answer, whose size
    /// has a limit.
    fn images(_output: &mut Self::Output) -> Vec<Image> {
        Vec::new()
    }
}

/// A tool as a constant: plain function pointers, no registry object, no start-up order.
pub struct Entry {
    /// On the wire.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Its family.
    pub toolset: Toolset,
    /// What it cannot do without.
    pub needs: &'static [Action],
    /// What it does besides.
    pub uses: &'static [Action],
    /// What it only asks about.
    pub probes: &'static [Action],
    /// What it does through the catalog's registry.
    pub catalog: CatalogNeed,
    /// Whether it is told how its caller's token is written.
    pub describes_token: bool,
    input: fn() -> Schema,
    output: fn() -> Schema,
    check: fn(Object) -> Result<()>,
    call: fn(Object, Cx) -> BoxFuture<'static, Result<Output>>,
}

/// Why a server does not offer a tool to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Its toolset is off.
    Toolset,
    /// It writes, and the server is in read-only mode.
    ReadOnly,
}

/// What clients and documents are told of a tool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// On the wire.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For models.
    pub description: String,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The least standing in the catalog of those who see it.
    pub standing: Standing,
    /// JSON Schema 2020-12 of the arguments.
    pub input_schema: Object,
    /// JSON Schema 2020-12 of the structured result.
    pub output_schema: Object,
}

impl Entry {
    /// The entry of a tool's type.
    pub const fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            title: T::TITLE,
            toolset: T::TOOLSET,
            needs: T::NEEDS,
            uses: T::USES,
            probes: T::PROBES,
            catalog: T::CATALOG,
            describes_token: T::DESCRIBES_TOKEN,
            input: || schema::<T>(SchemaSettings::draft2020_12().for_deserialize()),
            output: || schema::<T::Output>(SchemaSettings::draft2020_12().for_serialize()),
            check: |arguments| parse::<T>(arguments).map(drop),
            call: |arguments, cx| call::<T>(arguments, cx).boxed(),
        }
    }

    /// Whether it changes nothing: every declared action only reads.
    pub fn read_only(&self) -> bool {
        let registry = self.catalog.declared().map(CatalogUse::access);
        let actions = self.needs.iter().chain(self.uses).map(|action| action.access());
        actions.chain(registry).all(|access| access == Access::Read)
    }

    /// Whether it is on offer in read-only mode.
    fn is_for_reading(&self) -> bool {
        let asks = self.catalog.declared().is_none_or(|using| using.access() == Access::Read);
        asks && self.needs.iter().chain(self.uses).all(|action| action.is_for_reading())
    }

    /// Whether a server with these toolsets, in read-only mode or not, offers it at all.
    ///
    /// # Errors
    /// Why not.
    pub fn offered(
        &self,
        toolsets: &BTreeSet<Toolset>,
        read_only: bool,
    ) -> std::result::Result<(), Withheld> {
        if !toolsets.contains(&self.toolset) {
            return Err(Withheld::Toolset);
        }
        if read_only && !self.is_for_reading() { Err(Withheld::ReadOnly) } else { Ok(()) }
    }

    /// Whether these arguments fit the tool's schema: what a call looks at first. Nothing is done.
    ///
    /// # Errors
    /// `invalid_arguments`.
    pub fn check(&self, arguments: Object) -> Result<()> {
        (self.check)(arguments)
    }

    /// The needed actions that these grants lack; empty means that the caller may call it.
    pub fn missing(&self, grants: &Grants) -> Vec<Action> {
        self.needs.iter().copied().filter(|a| !grants.has_somewhere(*a)).collect()
    }

    /// Whether a caller with these grants and this standing in the catalog may call it.
    pub fn is_open_to(&self, grants: &Grants, standing: Standing) -> bool {
        self.missing(grants).is_empty() && standing >= self.catalog.standing()
    }

    /// Description and schemas, generated from the type.
    pub fn spec(&self) -> Spec {
        let (mut input_schema, output_schema) = (object((self.input)()), object((self.output)()));
        let description = input_schema.remove("description");
        Spec {
            name: self.name,
            title: self.title,
            description: description.and_then(|d| d.as_str().map(unwrap_lines)).unwrap_or_default(),
            read_only: self.read_only(),
            standing: self.catalog.standing(),
            input_schema,
            output_schema: or_error(output_schema),
        }
    }

    /// Calls the tool as the current request's caller. The only place that makes a [`Cx`].
    ///
    /// # Errors
    /// The tool's own, or `invalid_arguments`, `insufficient_scope`, `catalog_token_required`,
    /// `admin_required`.
    pub async fn call(&self, arguments: Object) -> Result<Output> {
        let context = runtime::current()
            .ok_or_else(|| ToolError::internal("a tool was called outside of a request"))?;
        if let Some(action) = self.missing(context.caller().principal.grants()).first() {
            return Err(crate::domain::Denied::Action(*action).into());
        }
        standing(context.clone(), self.catalog.standing()).await?;
        let cx = Cx::new(context, self.needs, self.uses, self.probes, self.catalog);
        (self.call)(arguments, cx).await
    }
}

/// An integer as clients send it: `5`, `5.0` (the same number to JSON Schema), or `"5"` (models do).
///
/// # Errors
/// Anything else.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let float = value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15);
    // In range, so the cast is exact.
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let number = value.as_i64().or(float.map(|f| f as i64));
    let text = value.as_str().and_then(|text| text.trim().parse().ok());
    number.or(text).ok_or_else(|| D::Error::custom(format!("an integer is needed, not {value}")))
}

/// Demands a standing in the catalog. Boxed, so that tools that need none do not carry it.
fn standing(context: RuntimeContext, least: Standing) -> BoxFuture<'static, Result<()>> {
    async move { context.require(least).await }.boxed()
}

fn parse<T: Tool>(mut arguments: Object) -> Result<T> {
    // Many clients send null for what they leave out.
    arguments.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| ToolError::invalid_arguments(short(&error.to_string())))
}

async fn call<T: Tool>(arguments: Object, cx: Cx) -> Result<Output> {
    let tool: T = parse(arguments)?;
    let mut output = tool.run(&cx).await?;
    let images = T::images(&mut output);
    match serde_json::to_value(output) {
        Ok(Value::Object(structured)) => Ok(Output { structured, images }),
        _ => Err(ToolError::internal("a tool's result is not a JSON object")),
    }
}

/// An error text repeats what was sent, and that may be megabytes.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 300;
    let mut short: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    settings
        .with(|s| {
            s.inline_subschemas = true;
            s.meta_schema = None;
        })
        .with_transform(RecursiveTransform(Plain))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// Takes out what clients stumble over: formats such as `uint8` that JSON Schema does not know,
/// `null` alternatives and empty defaults of optional fields (absent says the same), and titles that cost
/// tokens.
#[derive(Clone, Debug)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("title");
        if object.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with(['u', 'i'])) {
            object.remove("format");
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|t| t != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        let says_nothing = |default: &Value| match default {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if object.get("default").is_some_and(says_nothing) {
            object.remove("default");
        }
        if let Some(Value::String(text)) = object.get("description") {
            let text = unwrap_lines(text);
            object.insert("description".to_owned(), Value::String(text));
        }
    }
}

fn object(schema: Schema) -> Object {
    match schema.to_value() {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// The schema of a result, or of the error that takes its place.
///
/// A result that says `isError` carries `structuredContent` too, and a widespread client (the npm
/// SDK, at least up to 1.32) checks that against the same schema: it would throw our error away and
/// show its own. So the schema admits both, by their required members.
fn or_error(mut schema: Object) -> Object {
    schema.remove("description");
    let required = schema.remove("required").unwrap_or_else(|| json!([]));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for name in ToolError::MEMBERS {
            properties.insert((*name).to_owned(), json!({"type": "string"}));
        }
    }
    let error = json!({"required": ToolError::MEMBERS});
    schema.insert("anyOf".to_owned(), json!([{"required": required}, error]));
    schema
}

/// Doc comments are wrapped for the source's margin; a client wraps for its own.
fn unwrap_lines(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|p| p.split('\n').map(str::trim).collect::<Vec<_>>());
    paragraphs.map(|lines| lines.join(" ")).collect::<Vec<_>>().join("\n\n")
}
