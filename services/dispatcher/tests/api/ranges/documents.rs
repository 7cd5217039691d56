//! The tables of the documentation that have ranges.

use std::{collections::BTreeMap, fs, path::Path};

use super::description::Number;

/// Returns the ranges, as `1 to 100`, by name.
pub fn rows(page: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let range = cells.iter().find(|cell| is_range(cell))?;
        Some((cells[0].trim_end_matches('`').to_owned(), (*range).to_owned()))
    });
    rows.collect()
}

fn is_range(cell: &str) -> bool {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    cell.split_once(" to ").is_some_and(|(min, max)| is_number(min) && is_number(max))
}

/// Returns the names that a number may have in the tables.
pub fn names(number: &Number) -> Vec<String> {
    if let Some(parameter) = number.pointer.strip_prefix('?') {
        let of = if number.operation.ends_with("/events") { "events" } else { "" };
        return vec![format!("{of}?{parameter}")];
    }
    let parts = number.pointer.split('/').filter(|part| !part.is_empty() && *part != "0");
    let parts = parts.map(|part| if part == "any" { "*" } else { part });
    let name = parts.collect::<Vec<_>>().join(".");
    let within = name.strip_prefix("config.").unwrap_or(&name).to_owned();
    let generation = format!("config.generation.{within}");
    // A judge's parameters are those of a run.
    let of_judge = within.replace("judges.", "").replace("judge.", "");
    vec![name, within, generation, format!("config.{of_judge}"), format!("judge.{of_judge}")]
}
