//! How deep a query may be, decided on its tokens before anything recursive sees it.

use super::{
    lexer::Token,
    refused::{Reason, Refused},
};

/// The deepest nesting of parentheses and brackets.
const MAX_NESTING: usize = 40;

/// The longest run of tokens without a comma, over all open parentheses: `1+1+1+…` is a tree as
/// deep as it is long, and a tree is dropped by recursion.
const MAX_RUN: usize = 1500;

/// The most `UNION`, `INTERSECT` and `EXCEPT`, which make a tree as deep as they are many.
const MAX_SET_OPERATIONS: usize = 150;

/// Refuses what a recursive parser could not hold on a thread's stack.
pub(super) fn check(tokens: &[Token<'_>]) -> Result<(), Refused> {
    let (mut levels, mut run, mut operations) = (vec![0_usize], 0_usize, 0_usize);
    for token in tokens {
        let deep = |what: &str| Refused::new(Reason::TooDeep, what, token.at);
        match token.text {
            "(" | "[" => levels.push(0),
            ")" | "]" if levels.len() > 1 => run -= levels.pop().unwrap_or_default(),
            "," => run -= levels.last_mut().map(std::mem::take).unwrap_or_default(),
            _ => {}
        }
        if let Some(level) = levels.last_mut() {
            *level += 1;
            run += 1;
        }
        operations += usize::from(["UNION", "INTERSECT", "EXCEPT"].iter().any(|w| token.is(w)));
        if levels.len() > MAX_NESTING {
            return Err(deep("more than 40 parentheses are open"));
        }
        if run > MAX_RUN {
            return Err(deep("more than 1500 words and marks stand in one expression"));
        }
        if operations > MAX_SET_OPERATIONS {
            return Err(deep("there are more than 150 UNION, INTERSECT and EXCEPT"));
        }
    }
    Ok(())
}
