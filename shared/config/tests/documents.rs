//! `.env.example` and `docs/configuration.md` say what [`VARIABLES`] says.

use std::{fs, path::Path};

use runmill_config::{VARIABLES, Variable};

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

#[test]
fn the_documentation_has_a_row_for_every_variable_and_no_other() {
    let row = |it: &&Variable| {
        let default = it.default.map_or("none".to_owned(), |text| format!("`{text}`"));
        format!("| `{}` | {default} | {} |", it.name, it.summary)
    };
    let want: Vec<_> = VARIABLES.iter().map(row).collect();

    let document = read("docs/configuration.md");
    let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| `")).collect();

    assert_eq!(rows, want, "the table of docs/configuration.md should be:\n{}", want.join("\n"));
}
