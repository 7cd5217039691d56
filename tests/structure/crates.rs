//! The crates of the workspace and their dependencies, from `cargo metadata`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::graph::shortest;

/// For each folder, the folders on which its crates may depend. Only the service `runmill` depends on other services.
const LAYERS: [(&str, &[&str]); 4] = [
    ("proto", &[]),
    ("shared", &["proto", "shared"]),
    ("services", &["proto", "shared"]),
    ("tests", &["proto", "shared", "services", "tests"]),
];
const COMPOSES_SERVICES: &str = "runmill";

struct Crate {
    /// First folder of the crate's path in the workspace, such as `shared`.
    folder: String,
    /// Names of the workspace's crates on which the crate depends, without those only for tests.
    dependencies: BTreeSet<String>,
}

pub struct Crates(BTreeMap<String, Crate>);

impl Crates {
    /// Reads the crates from cargo. Packages from elsewhere are left out, because none of them depends on a crate of
    /// the workspace.
    pub fn of_workspace(root: &Path) -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let command = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
        let output = Command::new(cargo).args(command).current_dir(root).output().expect("cargo runs");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
        let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
        let root = Path::new(text(&metadata["workspace_root"]));
        Self(
            packages
                .iter()
                .map(|package| (text(&package["name"]).to_owned(), Crate::new(package, root)))
                .collect(),
        )
    }

    /// Returns each dependency on a crate in a folder that `LAYERS` does not allow.
    pub fn wrong_arrows(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, from) in &self.0 {
            let layer = LAYERS.iter().find(|(folder, _)| *folder == from.folder);
            let (_, below) =
                layer.unwrap_or_else(|| panic!("{}/ has no place in LAYERS: give it one", from.folder));
            for dependency in &from.dependencies {
                let to = self.0[dependency].folder.as_str();
                let composes = name == COMPOSES_SERVICES && to == "services";
                if !below.contains(&to) && !composes {
                    wrong.push(format!("{name} ({}) -> {dependency} ({to})", from.folder));
                }
            }
        }
        wrong
    }

    /// Returns the shortest chain of dependencies from one crate to another.
    pub fn chain(&self, from: &str, to: &str) -> Option<String> {
        let from = self.0.get_key_value(from).expect("a crate of the workspace").0;
        assert!(self.0.contains_key(to), "{to} is no crate of the workspace");
        let next = |name: &str| self.0[name].dependencies.iter().map(String::as_str);
        shortest(from, to, next).map(|chain| chain.join(" -> "))
    }
}

impl Crate {
    fn new(package: &Value, root: &Path) -> Self {
        let path = Path::new(text(&package["manifest_path"]))
            .strip_prefix(root)
            .expect("a member is below the root");
        let folder = path.iter().next().expect("a path has a first part").to_string_lossy().into_owned();
        let dependencies = package["dependencies"].as_array().expect("a package lists its dependencies");
        let production = |dependency: &&Value| dependency["path"].is_string() && dependency["kind"] != "dev";
        let dependencies = dependencies.iter().filter(production);
        Self { folder, dependencies: dependencies.map(|found| text(&found["name"]).to_owned()).collect() }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has a text here")
}
