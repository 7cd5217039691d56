//! Tests that the commands of the documentation are commands.

use std::{ffi::OsStr, fs, path::PathBuf};

use clap::{CommandFactory, error::ErrorKind};

use super::Cli;

/// Placeholders of the documentation, each with a value that could stand there.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("tok_...", "tok_00000000000000000000000000000001"),
    ("prov_...", "prov_00000000000000000000000000000001"),
    ("ID…", "00000000-0000-0000-0000-000000000001"),
    ("dead show ID", "dead show 00000000-0000-0000-0000-000000000001"),
    ("runs delete ID", "runs delete run_00000000000000000000000000000001"),
    ("$(date +%F)", "today"),
];

/// Page with what commands print, also those that are refused. `make screens` runs its commands.
const PRINTED: &str = "screens.md";

/// Returns the texts of the documentation by the names of their files.
fn pages() -> Vec<(String, String)> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let markdown = docs.filter(|path| path.extension() == Some(OsStr::new("md")) && !path.ends_with(PRINTED));
    let others = ["README.md", "ARCHITECTURE.md", "infra/README.md", "services/gateway/README.md"];
    let pages = markdown.chain(others.map(|name| root.join(name)));
    pages.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

/// Returns the commands of a page: those of its blocks, with the lines on which they go on, and those within its sentences.
fn commands(page: &str) -> Vec<String> {
    let joined = page.replace("\\\n", " ");
    let of_blocks = joined.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| {
        let line = line.trim_start().trim_start_matches("$ ");
        line.split(" #").next().unwrap_or_default().to_owned()
    });
    let spans = joined.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    of_blocks.chain(spans).filter_map(|command| without_variables(&command)).collect()
}

/// Returns the command line if it is one of runmill, without the variables before it and a redirection behind it.
fn without_variables(line: &str) -> Option<String> {
    let line = line.split(" > ").next()?;
    let mut words = line.split_whitespace().skip_while(|word| word.contains('=') && !word.starts_with('-'));
    let name = words.next()?;
    let is_runmill = name == "runmill" || name.ends_with("/runmill");
    is_runmill.then(|| [&["runmill"], words.collect::<Vec<_>>().as_slice()].concat().join(" "))
}

/// Returns the fault of a command line. That an argument is missing is none: sentences name commands without them.
fn fault(command: &str) -> Option<String> {
    let command = PLACEHOLDERS.iter().fold(command.to_owned(), |text, (from, to)| text.replace(from, to));
    let Some(words) = shlex::split(&command) else { return Some("its quotes do not end".to_owned()) };
    let error = Cli::command().try_get_matches_from(words).err()?;
    let is_incomplete = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let lacks_value =
        error.kind() == ErrorKind::InvalidValue && error.to_string().contains("a value is required");
    (!is_incomplete && !lacks_value).then(|| error.to_string())
}

#[test]
fn commands_of_the_documentation_are_taken() {
    let mut count = 0;
    let mut faults = Vec::new();
    for (page, text) in pages() {
        for command in commands(&text) {
            count += 1;
            faults.extend(fault(&command).map(|fault| format!("{page}: {command}\n{fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 60, "only {count} commands were found");
}

#[test]
fn commands_are_found_in_blocks_and_sentences() {
    let page = "Use `runmill runs list`, or `make demo`:\n\n    A=b target/release/runmill run a \\\n      --limit 1   # one\n";
    assert_eq!(commands(page), ["runmill run a --limit 1", "runmill runs list"]);
    assert!(fault("runmill runs list --no-such").is_some() && fault("runmill run --out").is_none());
}
