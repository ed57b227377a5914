//! Tests of the whole check.

mod bounds;
mod corpus;
mod lexing;
