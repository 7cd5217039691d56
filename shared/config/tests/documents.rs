//! `.env.example` and `docs/configuration.md` say what [`VARIABLES`] says.

use std::{fs, path::Path};

use runmill_config::VARIABLES;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_example_has_every_variable_with_its_default_and_no_other() {
    let mut want = String::from(
        "# Copy to .env and change what must change; docs/configuration.md has the same as a table.\n\
         # Values are literal: no quotes, no interpolation. A line that begins with # is a comment.\n",
    );
    for variable in VARIABLES {
        want += &format!("\n# {}\n", variable.summary);
        want += &match variable.default {
            Some(default) => format!("{}={default}\n", variable.name),
            None => format!("# {}=\n", variable.name),
        };
    }
    assert_eq!(read(".env.example"), want, ".env.example should read:\n{want}");
}

#[test]
fn the_documentation_has_a_row_for_every_variable_and_no_other() {
    let row = |name: &str, default: Option<&str>, summary: &str| {
        let default = default.map_or("none".to_owned(), |text| format!("`{text}`"));
        format!("| `{name}` | {default} | {summary} |\n")
    };
    let want: String = VARIABLES.iter().map(|it| row(it.name, it.default, it.summary)).collect();

    let document = read("docs/configuration.md");
    let rows: String =
        document.lines().filter(|line| line.starts_with("| `")).map(|line| format!("{line}\n")).collect();

    assert_eq!(rows, want, "the table of docs/configuration.md should have the rows:\n{want}");
}
