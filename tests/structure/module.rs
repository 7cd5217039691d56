//! Reads one source file as a module: its children and the paths that it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Token;

/// A source file. An inline module counts as a part of its file.
#[derive(Default)]
pub struct Module {
    pub children: BTreeSet<String>,
    /// Paths as the source writes them, with their lines.
    pub paths: Vec<(Vec<String>, usize)>,
    /// Names that `use` imports into the module, with their paths.
    pub names: BTreeMap<String, Vec<String>>,
}

impl Module {
    pub fn read(tokens: &[Token]) -> Self {
        let mut module = Self::default();
        let mut reader = Reader { tokens, at: 0 };
        while reader.at < tokens.len() {
            match reader.text(0) {
                "mod" if reader.text(2) == ";" => {
                    module.children.insert(reader.text(1).to_owned());
                }
                "use" => {
                    reader.at += 1;
                    module.read_use(&mut reader, &[]);
                }
                name if is_name(name) && reader.text(1) == "::" => {
                    let line = reader.line();
                    module.paths.push((reader.path(), line));
                }
                _ => {}
            }
            reader.at += 1;
        }
        module
    }

    /// Reads one tree of a `use` below the path `parent`, up to the separator before the next.
    fn read_use(&mut self, reader: &mut Reader<'_>, parent: &[String]) {
        let line = reader.line();
        let mut path = parent.to_vec();
        let mut name = None;
        loop {
            match reader.text(0) {
                "," | "}" | ";" | "" => break,
                "{" => {
                    while !matches!(reader.text(0), "}" | "") {
                        reader.at += 1;
                        // A comma may be the last token in the braces.
                        if reader.text(0) != "}" {
                            self.read_use(reader, &path);
                        }
                    }
                    reader.at += 1;
                    return;
                }
                "as" => {
                    reader.at += 1;
                    name = Some(reader.text(0).to_owned());
                }
                // `a::{self}` is `a`.
                "self" if !path.is_empty() => {}
                part if is_name(part) => path.push(part.to_owned()),
                _ => {}
            }
            reader.at += 1;
        }
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.names.insert(name, path.clone());
            self.paths.push((path, line));
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Returns the token that is `ahead` places after the current one, or an empty text after the last token.
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text.as_str())
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.line)
    }

    /// Reads a path such as `a::b::c`, up to its last name.
    fn path(&mut self) -> Vec<String> {
        let mut path = vec![self.text(0).to_owned()];
        while self.text(1) == "::" && is_name(self.text(2)) {
            self.at += 2;
            path.push(self.text(0).to_owned());
        }
        path
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    fn read(source: &str) -> Module {
        Module::read(&source::tokens(source))
    }

    fn paths(source: &str) -> Vec<String> {
        read(source).paths.iter().map(|(path, _)| path.join("::")).collect()
    }

    #[test]
    fn a_module_names_paths_in_uses_and_in_code() {
        let table = [
            ("use crate::a;", vec!["crate::a"]),
            ("use super::{a, b::{self, c as d},};", vec!["super::a", "super::b", "super::b::c"]),
            ("pub(crate) use self::a::*;", vec!["self::a"]),
            ("fn f() -> a::B { crate::c::d(super::e::<F>::g) }", vec!["a::B", "crate::c::d", "super::e"]),
        ];
        for (source, expected) in table {
            assert_eq!(paths(source), expected, "{source}");
        }
    }

    #[test]
    fn names_are_those_that_the_module_has_them_by() {
        let names = read("use a::{self as b, c}; mod d; mod e { }").names;

        assert_eq!(names.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(names["b"], ["a"]);
    }

    #[test]
    fn children_have_files() {
        assert_eq!(read("mod d; pub mod e; mod f { }").children, BTreeSet::from(["d".into(), "e".into()]));
    }
}
