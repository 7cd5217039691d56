//! Checks the dependencies between crates, from `cargo metadata`, and between modules, from their sources, which are
//! explained in ARCHITECTURE.md, and the licences of all crates.
//!
//! `STRUCTURE_ROOT` names another checkout to read instead of this one.

mod circles;
mod crates;
mod graph;
mod licences;
mod module;
mod modules;
mod source;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crates::Crates;
use modules::Modules;

#[test]
fn runmill_has_no_circle_of_modules() {
    assert_no_circle("services/runmill");
}

#[test]
fn the_gateway_has_no_circle_of_modules() {
    assert_no_circle("services/gateway");
}

#[test]
fn services_depend_on_shared_crates_and_these_on_proto() {
    let wrong = Crates::of_workspace(&root()).wrong_arrows();

    assert!(
        wrong.is_empty(),
        "dependencies go from services to shared to proto, and only runmill depends on services; \
         move what is needed into a crate below both:\n{}",
        wrong.join("\n"),
    );
}

#[test]
fn the_model_client_depends_on_neither_settings_nor_keys() {
    let crates = Crates::of_workspace(&root());
    let forbidden = ["runmill-config", "runmill-vault"];
    let chains: Vec<_> = forbidden.iter().filter_map(|name| crates.chain("runmill-llm", name)).collect();

    assert!(
        chains.is_empty(),
        "the model client takes settings and keys as arguments; move the types it needs elsewhere:\n{}",
        chains.join("\n"),
    );
}

#[test]
fn the_broker_does_not_downcast() {
    let broker = root().join("shared/broker");
    let mut files = Vec::new();
    rust_files(&broker.join("src"), &mut files);

    let mut found = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file is text");
        let casts = source::tokens(&source).into_iter().filter(|token| token.text.starts_with("downcast"));
        let name = file.strip_prefix(&broker).unwrap_or(&file).display();
        found.extend(casts.map(|token| format!("{name}:{}", token.line)));
    }

    assert!(
        found.is_empty(),
        "a broker that looks for its own type cannot be wrapped; put what it needs into the delivery:\n{}",
        found.join("\n"),
    );
}

#[test]
fn every_crate_from_elsewhere_has_an_allowed_licence() {
    let found = licences::not_allowed(&root());

    assert!(
        found.is_empty(),
        "licences that deny.toml does not allow; choose another crate, or add the licence there with the reason:\n{}",
        found.join("\n"),
    );
}

fn assert_no_circle(package: &str) {
    let circles = circles::circles(&Modules::of_crate(&root(), package).arrows());

    assert!(
        circles.is_empty(),
        "modules of {package} need each other in a circle; move what closes it into a module below both:\n{}",
        circles.join("\n"),
    );
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = env::var_os("STRUCTURE_ROOT").map_or(here, PathBuf::from);
    root.canonicalize().expect("the root of a checkout")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
