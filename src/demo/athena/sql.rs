//! As much of SQL's outer form as the stand-in has to see before SQLite does.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare name, keyword or number.
    Word,
    /// A name in double quotes or backticks.
    Quoted,
    /// A text in single quotes.
    Text,
    /// Any other character.
    Symbol,
}

/// A token, outside of comments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    /// With its quotes.
    pub raw: &'a str,
    /// The byte at which it starts.
    pub at: usize,
}

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `SELECT`, `WITH`, `VALUES`
    Query,
    Explain,
    /// `SHOW …`, `DESCRIBE …`
    Show,
    /// Changes data.
    Write,
    /// Changes the catalog.
    Define,
}

impl Token<'_> {
    /// A name without its quotes, in small letters; `None` where it can be no name.
    pub fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.raw.to_lowercase()),
            Kind::Quoted => {
                let quote = self.raw.chars().next()?;
                let inner = self.raw.get(1..)?.trim_end_matches(quote);
                Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()).to_lowercase())
            }
            _ => None,
        }
    }

    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.raw.eq_ignore_ascii_case(word)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.raw == symbol
    }
}

impl Statement {
    /// By the first word; `None` where no statement starts so.
    pub fn of(tokens: &[Token<'_>]) -> Option<Self> {
        let first = tokens.iter().find(|token| !token.is_symbol("("))?;
        Some(match first.raw.to_ascii_uppercase().as_str() {
            "SELECT" | "WITH" | "VALUES" => Self::Query,
            "EXPLAIN" => Self::Explain,
            "SHOW" | "DESCRIBE" | "DESC" => Self::Show,
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "UNLOAD" | "EXECUTE" | "PREPARE" => {
                Self::Write
            }
            "CREATE" | "DROP" | "ALTER" | "MSCK" | "VACUUM" | "OPTIMIZE" => Self::Define,
            _ => return None,
        })
    }

    /// Athena's `StatementType`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Query | Self::Write => "DML",
            Self::Define => "DDL",
            Self::Show | Self::Explain => "UTILITY",
        }
    }
}

/// Athena's `SubstatementType`: the first word, and the second of a definition.
pub(super) fn substatement(sql: &str) -> String {
    let tokens = tokens(sql);
    let mut words = tokens.iter().filter(|token| token.kind == Kind::Word);
    let mut next = || words.next().map(|token| token.raw.to_ascii_uppercase()).unwrap_or_default();
    match next().as_str() {
        "WITH" | "VALUES" => "SELECT".to_owned(),
        "DESC" => "DESCRIBE".to_owned(),
        first @ ("CREATE" | "DROP" | "ALTER") => format!("{first}_{}", next()),
        first => first.to_owned(),
    }
}

/// The tokens of a text. What is not closed goes to the end.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest);
        if let (Some(kind), Some(raw)) = (kind, rest.get(..length)) {
            found.push(Token { kind, raw, at });
        }
        at += length.max(1);
    }
    found
}

/// What the text starts with, and its length in bytes; no kind for space and comments.
fn next(rest: &str) -> (Option<Kind>, usize) {
    let end_of = |mark: &str, from: usize| {
        let found = rest.get(from..).and_then(|inner| inner.find(mark));
        found.map_or(rest.len(), |found| from + found + mark.len())
    };
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        '\'' => (Some(Kind::Text), quoted(rest, first)),
        '"' | '`' => (Some(Kind::Quoted), quoted(rest, first)),
        _ if rest.starts_with("--") => (None, end_of("\n", 0)),
        _ if rest.starts_with("/*") => (None, end_of("*/", 2)),
        c if is_word(c) => {
            (Some(Kind::Word), rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()))
        }
        c if c.is_whitespace() => (None, c.len_utf8()),
        c => (Some(Kind::Symbol), c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of a quoted text, in which two quotes are one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// The text without the names of catalogs in `catalog.database.table`, each replaced by as many spaces, and the
/// catalogs named, in small letters.
pub(super) fn without_catalogs(sql: &str, catalogs: &[String]) -> (String, Vec<String>) {
    let tokens = tokens(sql);
    let (mut text, mut named) = (sql.to_owned(), Vec::new());
    for five in tokens.windows(5) {
        let [catalog, dot, _, second, _] = five else { continue };
        let Some(name) = catalog.name() else { continue };
        let dots = dot.is_symbol(".") && second.is_symbol(".");
        if dots && catalogs.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            let end = dot.at + 1;
            text.replace_range(catalog.at..end, &" ".repeat(end - catalog.at));
            named.push(name);
        }
    }
    (text, named)
}

/// Where a second statement begins, if one does; a semicolon at the end is none.
pub(super) fn second_statement(tokens: &[Token<'_>]) -> Option<usize> {
    let semicolon = tokens.iter().position(|token| token.is_symbol(";"))?;
    let rest = tokens.get(semicolon + 1..)?;
    rest.iter().find(|token| !token.is_symbol(";")).map(|token| token.at)
}

/// `line 1:8`, counted from 1, of a byte.
pub(super) fn position(sql: &str, at: usize) -> String {
    let before: String = sql.char_indices().take_while(|(i, _)| *i < at).map(|(_, c)| c).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}:{column}")
}

/// The position of the first token that is this name; of the start where there is none.
pub(super) fn position_of(sql: &str, name: &str) -> String {
    let name = name.to_lowercase();
    let found = tokens(sql).into_iter().find(|token| token.name().as_deref() == Some(&name));
    position(sql, found.map_or(0, |token| token.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_hide_what_is_in_them() {
        let sql = "select ';', \"a;b\" -- ; drop\n from t /* ; */ ; ";
        let tokens = tokens(sql);
        assert_eq!(second_statement(&tokens), None);
        assert_eq!(Statement::of(&tokens), Some(Statement::Query));
        let two = "select 1; drop table t";
        assert_eq!(second_statement(&super::tokens(two)), Some(10));
        assert_eq!(super::tokens("'it''s'").len(), 1);
        assert_eq!(substatement("(with x as (select 1) select 2)"), "SELECT");
        assert_eq!(substatement("drop /* no */ view v"), "DROP_VIEW");
        assert_eq!(super::tokens("'open").len(), 1);
    }

    #[test]
    fn catalogs_go_and_positions_stay() {
        let sql = "select 1 from \"AwsDataCatalog\".\"a-b\".t, 'awsdatacatalog.x.y'";
        let (text, named) = without_catalogs(sql, &["AwsDataCatalog".to_owned()]);
        assert_eq!(
            (text.len(), named.as_slice()),
            (sql.len(), ["awsdatacatalog".to_owned()].as_slice())
        );
        assert_eq!(text.find("\"a-b\""), sql.find("\"a-b\""));
        assert!(text.contains("'awsdatacatalog.x.y'"));
        assert_eq!(position("a\nbc", 3), "line 2:2");
        assert_eq!(position_of("select é, \"T\"", "t"), "line 1:11");
    }
}
