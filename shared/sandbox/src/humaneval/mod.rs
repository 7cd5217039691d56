//! Items like those of HumanEval: a prompt that is the beginning of a function, and tests that define `check`.

mod extract;
mod fence;

use crate::Program;

/// Makes the program of an item and the answer to it, which is any text that has the code in it.
///
/// The answer's code may be the rest of the function, or a whole module.
pub fn program(prompt: &str, answer: &str, tests: &str, entry_point: &str) -> Program {
    Program {
        code: extract::module(prompt, answer, entry_point),
        setup: prompt.to_owned(),
        tests: tests.to_owned(),
        entry_point: Some(entry_point.to_owned()),
    }
}
