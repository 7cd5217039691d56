//! Tests that the walkthrough of one item in `ARCHITECTURE.md` names the files that begin the spans of the item's
//! trace, in order.

use std::{fs, path::Path};

use super::{CALL, MODEL, jobs, run};
use crate::support::{Sandbox, Sink};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");

/// Returns the files to which the walkthrough links before it states that each of them begins a span.
fn walkthrough() -> Vec<String> {
    let (_, rest) = ARCHITECTURE.split_once("**One item, and its trace.**").unwrap();
    let (text, _) = rest.split_once("begins a span").unwrap();
    let links = text.split("](").skip(1);
    links.map(|rest| rest.split_once(')').unwrap().0.to_owned()).collect()
}

/// Returns the source file that begins the span called `name`.
fn source(name: &str) -> String {
    let mut found = Vec::new();
    for folder in ["services", "shared"] {
        collect(&Path::new(ROOT).join(folder), name, &mut found);
    }
    assert_eq!(found.len(), 1, "files that begin the span `{name}`: {found:?}");
    found.remove(0)
}

fn collect(folder: &Path, name: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            collect(&path, name, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !path.ends_with("tests.rs")
            && begins(&path, name)
        {
            found.push(path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned());
        }
    }
}

fn begins(file: &Path, name: &str) -> bool {
    let text = fs::read_to_string(file).unwrap();
    let mut spans = text.split("span!(").skip(1);
    spans.any(|span| span.split_once(')').is_some_and(|(head, _)| head.contains(&format!("\"{name}\""))))
}

#[tokio::test]
async fn an_items_trace_goes_through_the_files_of_the_walkthrough_in_their_order() {
    let (sandbox, sink) = (Sandbox::new().await, Sink::start().await);
    let output = run(&sandbox, MODEL, &sink.endpoint, &["--limit", "1"]).output().await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let traces = jobs(&sink);
    let mut spans: Vec<_> = traces.values().flat_map(|trace| trace.values().flatten()).collect();
    spans.sort_by_key(|(_, span)| span.start_time_unix_nano);
    // A call is exported under the name of its operation and model.
    let names = spans.iter().map(|(_, span)| if span.name == CALL { "model.invoke" } else { &span.name });
    let files: Vec<_> = names.map(source).collect();

    assert_eq!(files, walkthrough());
}
