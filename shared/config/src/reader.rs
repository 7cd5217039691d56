use std::{fmt::Display, time::Duration};

use runmill_proto::{Numeric, Range};

use crate::{ConfigError, Env, VARIABLES, Variable, error::ValueError};

/// Prefix of the variables that only runmill reads. Other programs also read the variables without it.
const PREFIX: &str = "RUNMILL_";

/// Reads variables and collects their faults.
pub(crate) struct Reader<'a> {
    env: &'a Env,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(env: &'a Env) -> Self {
        Self { env, problems: Vec::new() }
    }

    /// Returns the value as it was written, or the default.
    pub fn text(&self, variable: &Variable) -> Option<&'a str> {
        self.env.get(variable.name).or(variable.default)
    }

    /// Parses the value; returns `None` if there is none or `parse` fails. The fault shows the value, so this must
    /// not be used for secrets.
    pub fn parse<T, E: Display>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        parse(text).map_err(|fault| self.problem(format!("{}={text:?}: {fault}", variable.name))).ok()
    }

    /// Parses a secret value as [`Reader::parse`] does; the fault does not show the value.
    pub fn secret<T, E: Display>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        parse(text).map_err(|fault| self.problem(format!("{}: {fault}", variable.name))).ok()
    }

    /// Reads a number in `range`. After a fault it returns the start of the range, which is not used.
    pub fn number<T: Numeric>(&mut self, variable: &Variable, range: Range<T>) -> T {
        self.optional(variable, range).unwrap_or(range.min)
    }

    /// Reads a number in `range`, if the variable has a value.
    pub fn optional<T: Numeric>(&mut self, variable: &Variable, range: Range<T>) -> Option<T> {
        self.parse(variable, |text| range.parse(text.trim()))
    }

    /// Reads a duration as [`Reader::number`] does, in seconds.
    pub fn seconds(&mut self, variable: &Variable, range: Range<f64>) -> Duration {
        Duration::from_secs_f64(self.number(variable, range))
    }

    /// Reads `true` or `false`. After a fault it returns false, which is not used.
    pub fn flag(&mut self, variable: &Variable) -> bool {
        let flag = self.parse(variable, |text| {
            text.trim().to_ascii_lowercase().parse::<bool>().map_err(|_| ValueError::Flag)
        });
        flag.unwrap_or_default()
    }

    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Reports unknown names: a misspelt name would otherwise be a setting that silently does nothing.
    pub fn check_names(&mut self) {
        for name in self.env.names().filter(|name| name.starts_with(PREFIX)) {
            if VARIABLES.iter().any(|variable| variable.name == name) {
                continue;
            }
            let nearest = VARIABLES.iter().min_by_key(|variable| distance(variable.name, name));
            let nearest = nearest.expect("the table is not empty").name;
            self.problems.push(format!("{name} is not known; did you mean {nearest}?"));
        }
    }

    pub fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        ConfigError::unless(self.problems, value)
    }
}

/// Returns the number of characters to insert, delete or replace to turn `b` into `a` (Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    // Only one row of the table of prefixes is kept. `row[j]` is the distance to the first `j` characters of `b`.
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("LISTEN", "LISTEN", 0), ("LISTEN", "LISTN", 1)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }
}
