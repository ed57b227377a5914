//! The tables that a query's tree names, and the proof that the tree holds the whole text.

use super::{
    lexer::Token,
    parse::position,
    refused::{Position, Reason, Refused},
    statement::TableName,
    words::is_reserved,
};
use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, TableFactor, Visit, Visitor,
};
use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    ptr,
};

/// The tables of a query. `words` are the unquoted words of its text.
pub(super) fn of(query: &Query, words: &[&Token<'_>]) -> Result<Vec<TableName>, Refused> {
    let mut walk = Walk::default();
    if let ControlFlow::Break(refused) = query.visit(&mut walk) {
        return Err(*refused);
    }
    // In Trino these four are reserved: each in the text is one in the tree, or the parser took
    // something for what it is not.
    for (word, seen) in [
        ("SELECT", walk.selects),
        ("VALUES", walk.values),
        ("JOIN", walk.joins),
        ("UNNEST", walk.unnests),
    ] {
        let said: Vec<_> = words.iter().filter(|token| token.is(word)).collect();
        if said.len() != seen {
            let at = said.last().map_or(Position::START, |token| token.at);
            let message =
                format!("the text has {} {word}, of which {seen} are understood", said.len());
            return Err(Refused::new(Reason::NotUnderstood, message, at));
        }
    }
    Ok(walk.tables)
}

/// The names that a query's WITH gives.
struct Scope {
    /// Those that may be used at this point of the walk, in lower case. A set: a text has room for thousands
    /// of them, and for thousands of tables.
    visible: HashSet<String>,
    /// Which query has which name.
    named: HashMap<*const Query, String>,
    /// Whether a name may be used inside its own query.
    is_recursive: bool,
}

/// A walk over a tree.
#[derive(Default)]
struct Walk {
    scopes: Vec<Scope>,
    tables: Vec<TableName>,
    selects: usize,
    values: usize,
    joins: usize,
    unnests: usize,
}

type Step = ControlFlow<Box<Refused>>;

/// Stops the walk.
fn stop(reason: Reason, message: &str, at: Position) -> Step {
    ControlFlow::Break(Box::new(Refused::new(reason, message, at)))
}

impl Walk {
    /// Makes the name of a query visible to what follows, if the query above names it.
    fn name(&mut self, query: &Query, is_entered: bool) {
        if let Some(above) = self.scopes.last_mut()
            && above.is_recursive == is_entered
            && let Some(name) = above.named.get(&ptr::from_ref(query))
        {
            above.visible.insert(name.clone());
        }
    }

    /// Counts what a query's body is made of, and refuses what does not read.
    fn body(&mut self, body: &SetExpr) -> Step {
        let mut left = vec![body];
        while let Some(body) = left.pop() {
            match body {
                // Both are walked: pre_visit_select and pre_visit_query count them.
                SetExpr::Select(_) | SetExpr::Query(_) => {}
                SetExpr::SetOperation { left: one, right: other, .. } => {
                    left.extend([one.as_ref(), other.as_ref()]);
                }
                SetExpr::Values(_) => self.values += 1,
                SetExpr::Insert(_)
                | SetExpr::Update(_)
                | SetExpr::Delete(_)
                | SetExpr::Merge(_) => {
                    return stop(Reason::Writes, "the query writes", Position::START);
                }
                SetExpr::Table(_) => {
                    let message = "TABLE is not understood; write SELECT * FROM and the name";
                    return stop(Reason::NotUnderstood, message, Position::START);
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Walk {
    type Break = Box<Refused>;

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        self.name(query, true);
        let is_plain = query.locks.is_empty()
            && query.for_clause.is_none()
            && query.settings.is_none()
            && query.format_clause.is_none()
            && query.pipe_operators.is_empty();
        if !is_plain {
            return stop(Reason::NotUnderstood, "a clause is not Trino's", Position::START);
        }
        // Trino takes a name for hidden in the whole of a query that gives it again, and then resolves
        // it where it is not hidden: to a table. So which is meant, a list of names cannot tell.
        if query.with.is_some() && self.scopes.iter().any(|scope| scope.is_recursive) {
            let message = "a WITH inside of WITH RECURSIVE is not understood";
            return stop(Reason::NotUnderstood, message, Position::START);
        }
        let named = |with: &sqlparser::ast::With| {
            let name = |cte: &sqlparser::ast::Cte| {
                (ptr::from_ref(cte.query.as_ref()), cte.alias.name.value.to_ascii_lowercase())
            };
            with.cte_tables.iter().map(name).collect()
        };
        self.scopes.push(Scope {
            visible: HashSet::new(),
            named: query.with.as_ref().map(named).unwrap_or_default(),
            is_recursive: query.with.as_ref().is_some_and(|with| with.recursive),
        });
        self.body(&query.body)
    }

    fn post_visit_query(&mut self, query: &Query) -> Step {
        self.scopes.pop();
        self.name(query, false);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        self.selects += 1;
        self.joins += select.from.iter().map(|from| from.joins.len()).sum::<usize>();
        if select.into.is_some() {
            return stop(Reason::Writes, "SELECT INTO writes", Position::START);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        match factor {
            TableFactor::Table { args: None, with_hints, partitions, json_path: None, .. }
                if with_hints.is_empty() && partitions.is_empty() => {}
            TableFactor::Derived { .. } => {}
            TableFactor::UNNEST { with_offset: false, .. } => self.unnests += 1,
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.joins += table_with_joins.joins.len();
            }
            // parse.rs has let through TABLE(sequence( only.
            TableFactor::TableFunction { expr: Expr::Function(_), .. } => {}
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                let message = "a function in FROM is not understood";
                return stop(Reason::UnknownTableFunction, message, place(name));
            }
            _ => {
                let message = "a kind of table in FROM is not understood";
                return stop(Reason::NotUnderstood, message, Position::START);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> Step {
        let part = |part: &ObjectNamePart| part.as_ident().map(|ident| ident.value.clone());
        let parts: Option<Vec<String>> = name.0.iter().map(part).collect();
        let parts = parts.unwrap_or_default();
        // More names than Trino would take for the WITH's (it folds beyond ASCII) only adds tables.
        if let [alone] = parts.as_slice()
            && self.scopes.iter().any(|scope| scope.visible.contains(&alone.to_ascii_lowercase()))
        {
            return ControlFlow::Continue(());
        }
        match TableName::of(&parts) {
            Some(table) => self.tables.push(table),
            None => {
                let message = "the name of a table has more than three parts";
                return stop(Reason::NotUnderstood, message, place(name));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Step {
        match expr {
            Expr::Function(function) if function.name.0.len() > 1 => {
                let message = "the name of a function has more than one part";
                stop(Reason::NotUnderstood, message, place(&function.name))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_ident(&mut self, ident: &Ident) -> Step {
        let at = position(ident.span.start, Position::START);
        // The parser takes a string for a name in some places; Trino in none.
        if ident.quote_style == Some('\'') {
            return stop(Reason::NotUnderstood, "a string stands where a name belongs", at);
        }
        if ident.quote_style.is_none() && is_reserved(&ident.value) {
            let message = format!("{} is a keyword; as a name it needs double quotes", ident.value);
            return stop(Reason::NotUnderstood, &message, at);
        }
        ControlFlow::Continue(())
    }
}

/// Where a name begins.
fn place(name: &ObjectName) -> Position {
    let first = name.0.first().and_then(ObjectNamePart::as_ident);
    first.map_or(Position::START, |ident| position(ident.span.start, Position::START))
}
