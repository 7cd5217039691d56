use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use crate::{ConfigError, Env, VARIABLES, Variable};

/// What every variable of ours begins with, those of the platform aside.
const OURS: &str = "RUNMILL_";

/// Reads variables and remembers what is wrong with them.
pub(crate) struct Reader<'a> {
    env: &'a Env,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(env: &'a Env) -> Self {
        Self { env, problems: Vec::new() }
    }

    /// The value as it was written, or the default.
    pub fn text(&self, variable: &Variable) -> Option<&'a str> {
        self.env.get(variable.name).or(variable.default)
    }

    /// What `parse` makes of the value; `None` if there is none, or if it is a fault. The fault shows
    /// the value: not for secrets.
    pub fn parse<T, E: Display>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        parse(text).map_err(|fault| self.problem(format!("{}={text:?}: {fault}", variable.name))).ok()
    }

    /// As [`Reader::parse`]; the fault does not show the value.
    pub fn secret<T, E: Display>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        parse(text).map_err(|fault| self.problem(format!("{}: {fault}", variable.name))).ok()
    }

    /// A number of this range; its start where there is a fault, and then nobody gets to see it.
    pub fn number<T>(&mut self, variable: &Variable, range: RangeInclusive<T>) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        self.optional(variable, &range).unwrap_or(*range.start())
    }

    /// As [`Reader::number`], in seconds, with a fraction if need be.
    pub fn seconds(&mut self, variable: &Variable, range: RangeInclusive<f64>) -> Duration {
        Duration::from_secs_f64(self.number(variable, range))
    }

    /// A number of this range, if there is one.
    pub fn optional<T>(&mut self, variable: &Variable, range: &RangeInclusive<T>) -> Option<T>
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        self.parse(variable, |text| {
            let number = text.trim().parse().map_err(|fault: T::Err| fault.to_string())?;
            if range.contains(&number) {
                return Ok(number);
            }
            Err(format!("must be from {} to {}", range.start(), range.end()))
        })
    }

    /// Yes or no; no where there is a fault, and then nobody gets to see it.
    pub fn flag(&mut self, variable: &Variable) -> bool {
        let flag = self.parse(variable, |text| {
            text.trim().to_ascii_lowercase().parse::<bool>().map_err(|_| "must be true or false")
        });
        flag.unwrap_or_default()
    }

    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A misspelt name would otherwise be a setting that silently does nothing.
    pub fn check_names(&mut self) {
        for name in self.env.names().filter(|name| name.starts_with(OURS)) {
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

/// How many characters must be inserted, deleted or replaced to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // Row by row through the table of prefixes; `row[j]` is for the first `j` characters of `b`.
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
