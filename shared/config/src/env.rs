use std::{collections::BTreeMap, fs, io, path::Path};

use crate::ConfigError;

/// Variables of the environment of a process. An empty value counts as unset.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the environment of this process, which takes precedence over a file `.env` in the working directory.
    ///
    /// Values in the file are literal: everything after the first `=`, without quotes, interpolation or
    /// `export`. A line that begins with `#` is a comment.
    pub fn process() -> Result<Self, ConfigError> {
        let mut env = Self::file(Path::new(".env"))?;
        // `vars` would panic at any name or value that is not Unicode, even of a variable that runmill does not read.
        for (name, value) in std::env::vars_os() {
            env.0.insert(name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned());
        }
        Ok(env)
    }

    fn file(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError { problems: vec![format!("{}: {error}", path.display())] }),
        }
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let (mut env, mut problems) = (Self::default(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some((name, value)) if is_name(name) => {
                    env.0.insert(name.to_owned(), value.to_owned());
                }
                // The line is not shown, because it may contain a secret.
                _ => problems.push(format!(".env line {}: must be NAME=value", index + 1)),
            }
        }
        ConfigError::unless(problems, env)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_file_are_literal() {
        let env = Env::parse(concat!(
            "# comment\n",
            "\n",
            "PLAIN=one\r\n",
            "QUOTED=\"two\"\n",
            "DOLLAR=$PLAIN #3=4\n",
            "EMPTY=\n",
        ))
        .unwrap();

        assert_eq!(env.get("PLAIN"), Some("one"));
        assert_eq!(env.get("QUOTED"), Some("\"two\""));
        assert_eq!(env.get("DOLLAR"), Some("$PLAIN #3=4"));
        assert_eq!(env.get("EMPTY"), None);
    }

    #[test]
    fn every_line_that_is_no_variable_is_named_and_none_is_shown() {
        let Err(error) = Env::parse("GOOD=1\nexport KEY=sk-secret\nsk-secret\n =x\n") else {
            panic!("three lines are wrong");
        };
        assert_eq!(
            error.problems,
            [2, 3, 4].map(|line| format!(".env line {line}: must be NAME=value")),
            "and nothing of what they hold"
        );
    }

    #[test]
    fn a_file_may_be_missing_but_not_unreadable() {
        let folder = tempfile::tempdir().unwrap();

        assert!(Env::file(&folder.path().join(".env")).is_ok());
        assert!(Env::file(folder.path()).is_err());
    }

    #[test]
    fn the_process_has_an_environment() {
        assert!(Env::process().unwrap().get("PATH").is_some());
    }
}
