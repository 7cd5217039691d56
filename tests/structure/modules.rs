//! The modules of a crate and the references between them, read from its sources. Macros are not expanded.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    slice,
};

use crate::{module::Module, source::tokens};

/// Path of a module: the names from the crate's root down. Empty for the root.
pub type ModulePath = Vec<String>;

/// Maximum number of re-exports that are followed from a name to its definition.
const MAX_REEXPORTS: usize = 8;

/// A reference: a place in which a module names an item of another module.
pub struct Arrow {
    pub from: ModulePath,
    pub to: ModulePath,
    /// File and line of the reference, and the path as the source writes it.
    pub place: String,
}

pub struct Modules(BTreeMap<ModulePath, Located>);

struct Located {
    file: PathBuf,
    module: Module,
}

impl Modules {
    /// Reads the crate in the folder `package`, whose root is `src/lib.rs` or else `src/main.rs`.
    pub fn of_crate(workspace: &Path, package: &str) -> Self {
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| workspace.join(package).join(root));
        let root =
            roots.into_iter().find(|root| root.exists()).expect("a crate has src/lib.rs or src/main.rs");
        let mut modules = BTreeMap::new();
        let mut unread = vec![(root, ModulePath::new())];
        while let Some((file, path)) = unread.pop() {
            let source =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let module = Module::read(&tokens(&source));
            for child in &module.children {
                unread
                    .push((file_of_child(&file, child), [path.as_slice(), slice::from_ref(child)].concat()));
            }
            let file = file.strip_prefix(workspace).unwrap_or(&file).to_owned();
            modules.insert(path, Located { file, module });
        }
        Self(modules)
    }

    /// Returns every reference from one module of the crate to another.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, Located { file, module }) in &self.0 {
            for (path, line) in &module.paths {
                if let Some(to) = self.resolve(from, path, MAX_REEXPORTS) {
                    let place = format!("{}:{line} names {}", file.display(), path.join("::"));
                    arrows.push(Arrow { from: from.clone(), to, place });
                }
            }
        }
        arrows
    }

    /// Returns the module that defines the item that `path` names in the module `from`. Returns `None` if another
    /// crate defines it.
    fn resolve(&self, from: &ModulePath, path: &[String], reexports: usize) -> Option<ModulePath> {
        let mut at = from.clone();
        for (position, name) in path.iter().enumerate() {
            let Located { module, .. } = self.0.get(&at)?;
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                child if module.children.contains(child) => at.push(name.clone()),
                _ => {
                    let reexport = module.names.get(name).filter(|_| reexports > 0);
                    let definition = reexport.and_then(|path| self.resolve(&at, path, reexports - 1));
                    // A name that another module imports from another crate counts as an item of that module.
                    return definition.or((position > 0).then_some(at));
                }
            }
        }
        Some(at)
    }
}

fn file_of_child(parent: &Path, child: &str) -> PathBuf {
    let name = parent.file_stem().unwrap_or_default();
    let mut folder = parent.parent().unwrap_or(Path::new("")).to_owned();
    if !["lib", "main", "mod"].iter().any(|root| name == *root) {
        folder.push(name);
    }
    let file = folder.join(format!("{child}.rs"));
    if file.exists() { file } else { folder.join(child).join("mod.rs") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_module_that_defines_its_end() {
        let sources = [
            ("", "mod a; mod b; pub use b::deep::Thing; use other::Foreign;"),
            ("a", ""),
            ("b", "mod deep; pub use deep::*;"),
            ("b::deep", "use super::super::a;"),
        ];
        let located = |source| Located { file: PathBuf::new(), module: Module::read(&tokens(source)) };
        let path = |text: &str| text.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let modules = Modules(sources.map(|(name, source)| (path(name), located(source))).into());
        let table = [
            ("a", "crate::b::deep::Thing", Some("b::deep")),
            ("a", "super::Thing", Some("b::deep")),
            ("a", "super::Foreign", Some("")),
            ("a", "super::b::Defined", Some("b")),
            ("", "b::deep", Some("b::deep")),
            ("b::deep", "a::function", Some("a")),
            ("b::deep", "std::fmt", None),
        ];
        for (from, named, expected) in table {
            let from: ModulePath = path(from);
            let found = modules.resolve(&from, &path(named), MAX_REEXPORTS);
            assert_eq!(found, expected.map(path), "{named} in {from:?}");
        }
    }
}
