//! Runs the program of a `code` item, which a model wrote, in a locked-down process, and gives a verdict.
//!
//! Two processes share a sandbox. The *judge* has the item's tests and runs them; the *answer* has the model's code
//! and makes the calls that the tests ask for. Arguments and results cross as plain data, so the model's code cannot
//! reach the tests, what they expect, or the token by which a verdict is known to be the judge's.
//!
//! docs/code-scoring.md says what is contained, by what, and what is not promised.

pub mod humaneval;
mod process;
mod program;
mod run;
mod sandbox;
mod settings;
mod tool;
mod tree;
mod unavailable;
mod usage;
mod verdict;

pub use program::Program;
pub use sandbox::Sandbox;
pub use settings::{Limits, Settings};
pub use tool::Tool;
pub use unavailable::Unavailable;
pub use verdict::Verdict;
