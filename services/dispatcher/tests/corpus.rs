//! Runs the checks of each fuzz target on every input of its corpus.

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn what_fuzzing_has_found_is_read_without_fault() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (target, check) in fuzz::TARGETS {
        let inputs: Vec<_> =
            fs::read_dir(corpus.join(target)).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "the corpus of {target} is empty");
        for input in inputs {
            // The output is shown when the check panics.
            println!("{}", input.display());
            check(&fs::read(&input).unwrap());
        }
    }
}
