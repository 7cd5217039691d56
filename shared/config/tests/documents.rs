//! Compares `.env.example`, `docs/configuration.md` and the accepted values with [`VARIABLES`].

#![expect(clippy::unwrap_used, reason = "these are tests; their helpers are not in test functions")]

use std::{fs, path::Path};

use runmill_config::{Config, ConfigError, Env, VARIABLES, Variable};
use runmill_proto::api::Settings;
use serde_json::{Value, json};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const EXAMPLE_HEAD: &str = "\
# Copy to .env and change what must change; docs/configuration.md has the same as a table.
# Values are literal: no quotes, no interpolation. A line that begins with # is a comment.";

#[test]
fn the_example_has_every_variable_with_its_default_and_no_other() {
    let entry = |it: &&Variable| match it.default {
        Some(default) => format!("\n# {}\n{}={default}", it.summary, it.name),
        None => format!("\n# {}\n# {}=", it.summary, it.name),
    };
    let entries: Vec<_> = VARIABLES.iter().map(entry).collect();
    let want = format!("{EXAMPLE_HEAD}\n{}\n", entries.join("\n"));

    assert_eq!(read(".env.example"), want, ".env.example should read:\n{want}");
}

/// Returns the rows of the tables in one section of the page.
fn rows(heading: &str) -> Vec<String> {
    let page = read("docs/configuration.md");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect(heading);
    section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

#[test]
fn the_documentation_has_a_row_for_every_variable_and_no_other() {
    let row = |it: &&Variable| {
        let default = it.default.map_or("none".to_owned(), |text| format!("`{text}`"));
        format!("| `{}` | {default} | {} |", it.name, it.summary)
    };
    let want: Vec<_> = VARIABLES.iter().map(row).collect();

    assert_eq!(rows("Variables"), want, "the table of docs/configuration.md should be:\n{}", want.join("\n"));
}

/// A value above the range of every setting.
const TOO_MUCH: u32 = 1_000_000_000;

/// Returns the beginning of a setting's row: its name, default and range.
fn beginning(group: &str, field: &str, default: &Value) -> String {
    let too_much: Settings = serde_json::from_value(json!({group: {field: TOO_MUCH}})).unwrap();
    let faults = too_much.faults();
    let range = faults[0].detail.split_once(" from ").unwrap().1;
    format!("| `{group}.{field}` | {} | {range} | ", default.as_f64().unwrap())
}

#[test]
fn the_documentation_has_a_row_for_every_setting_and_no_other() {
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let groups = settings.as_object().unwrap().iter();
    let mut want: Vec<String> = groups
        .flat_map(|(group, fields)| {
            let fields = fields.as_object().unwrap().iter();
            fields.map(move |(field, default)| beginning(group, field, default))
        })
        .collect();
    want.sort_unstable();

    let mut found = rows("Settings");
    found.sort_unstable();

    let all = found.len() == want.len() && found.iter().zip(&want).all(|(row, begin)| row.starts_with(begin));
    assert!(
        all,
        "the rows of docs/configuration.md should begin:\n{}\nand are:\n{}",
        want.join("\n"),
        found.join("\n")
    );
}

/// Returns the `min` and `max` of a summary that has `from min to max`.
fn range(variable: &Variable) -> Option<(f64, f64)> {
    let (_, range) = variable.summary.split_once(", from ")?;
    let (min, rest) = range.split_once(" to ")?;
    let max = rest.split(['.', ' ', ':']).next().unwrap_or_default();
    Some((min.parse().unwrap(), max.parse().unwrap()))
}

/// Loads a value of `name`, with traces on, because their variables are not read otherwise.
fn load(name: &str, value: f64) -> Result<Config, ConfigError> {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318".to_owned());
    Config::load(&[endpoint, (name, value.to_string())].into_iter().collect::<Env>())
}

#[test]
fn every_number_is_held_to_the_range_that_its_summary_states() {
    let mut count = 0;
    for variable in VARIABLES {
        let Some((min, max)) = range(variable) else { continue };
        for inside in [min, max] {
            assert!(load(variable.name, inside).is_ok(), "{}={inside}", variable.name);
        }
        for outside in [min - 1.0, max + 1.0, f64::MAX, f64::NAN] {
            let error = load(variable.name, outside).unwrap_err();
            assert!(error.to_string().ends_with(&format!(" from {min} to {max}")), "{error}");
        }
        count += 1;
    }
    assert_eq!(count, 15, "variables with a range");
}
