//! The licences of the crates that the build takes from elsewhere, compared with the list in `deny.toml`.
//!
//! cargo-deny checks the same, with more, where it is installed; this needs nothing.

use std::{collections::BTreeSet, env, fs, iter::Peekable, path::Path, process::Command, vec::IntoIter};

use serde_json::Value;

/// Returns each crate whose licence `deny.toml` does not allow, with the licence. `cargo` looks at the crates of this
/// machine's target, because only these are here without a network.
pub fn not_allowed(root: &Path) -> Vec<String> {
    let allowed = allowed(&fs::read_to_string(root.join("deny.toml")).expect("deny.toml is text"));
    assert!(allowed.contains("MIT"), "the list of licences in deny.toml was not found: {allowed:?}");
    let metadata = metadata(root);
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let foreign: Vec<_> = packages.iter().filter(|package| package["source"].is_string()).collect();
    assert!(foreign.len() > 100, "cargo names only {} crates from elsewhere", foreign.len());
    foreign.into_iter().filter(|package| !is_allowed(&package["license"], &allowed)).map(described).collect()
}

fn metadata(root: &Path) -> Value {
    let version = cargo(root, &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let command =
        ["metadata", "--format-version", "1", "--all-features", "--offline", "--filter-platform", host];
    serde_json::from_str(&cargo(root, &command)).expect("cargo metadata prints JSON")
}

fn cargo(root: &Path, args: &[&str]) -> String {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(args).current_dir(root).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}

/// Returns the entries of `allow` in the section `[licenses]`.
fn allowed(deny: &str) -> BTreeSet<String> {
    let section = deny.split("\n[").find_map(|section| section.strip_prefix("licenses]")).unwrap_or_default();
    let list = section.split_once("\nallow = [").map(|(_, rest)| rest).unwrap_or_default();
    let list = list.split(']').next().unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn is_allowed(licence: &Value, allowed: &BTreeSet<String>) -> bool {
    let Some(licence) = licence.as_str() else { return false };
    let words = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
    let mut expression = Expression { words: words.into_iter().peekable(), allowed };
    expression.any() && expression.words.next().is_none()
}

/// An SPDX expression, such as `(MIT OR Apache-2.0) AND Unicode-3.0`. `AND` binds closer than `OR`.
struct Expression<'a> {
    words: Peekable<IntoIter<String>>,
    allowed: &'a BTreeSet<String>,
}

impl Expression<'_> {
    fn any(&mut self) -> bool {
        let mut is_allowed = self.all();
        while self.words.next_if(|word| word == "OR").is_some() {
            // Both sides are read, whatever the first says.
            is_allowed |= self.all();
        }
        is_allowed
    }

    fn all(&mut self) -> bool {
        let mut is_allowed = self.one();
        while self.words.next_if(|word| word == "AND").is_some() {
            is_allowed &= self.one();
        }
        is_allowed
    }

    fn one(&mut self) -> bool {
        let Some(mut name) = self.words.next() else { return false };
        if name == "(" {
            let is_allowed = self.any();
            return self.words.next().is_some_and(|word| word == ")") && is_allowed;
        }
        if self.words.next_if(|word| word == "WITH").is_some() {
            name = format!("{name} WITH {}", self.words.next().unwrap_or_default());
        }
        self.allowed.contains(&name)
    }
}

fn described(package: &Value) -> String {
    format!("{} {}: {}", package["name"], package["version"], package["license"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_allowed_if_what_it_needs_is_in_the_list() {
        let deny = "[bans]\nallow = [\"GPL-3.0\"]\n\n[licenses]\nprivate = 1\nallow = [\n    \"MIT\",\n    \"Zlib\",\n]\n";
        let allowed = allowed(deny);
        assert_eq!(allowed, BTreeSet::from(["MIT", "Zlib"].map(str::to_owned)));
        let table = [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only/MIT", true),
            ("GPL-3.0-only AND MIT", false),
            ("(MIT OR Apache-2.0) AND Zlib", true),
            ("MIT WITH LLVM-exception", false),
            ("a text", false),
            ("MIT AND (Zlib", false),
        ];
        for (licence, want) in table {
            assert_eq!(is_allowed(&licence.into(), &allowed), want, "{licence}");
        }
        assert!(!is_allowed(&Value::Null, &allowed), "a crate without a licence");
    }
}
