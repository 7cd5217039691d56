//! LightEval's file of results.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use crate::Metric;

/// Largest size of the file, in bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Deepest folder below the results in which the file can be: the name of a model can have slashes.
const DEPTH_MAX: usize = 8;

#[derive(Deserialize)]
struct Results {
    results: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Reads the metrics of the newest file of results below `out`. The text of an error can be shown.
pub(crate) fn read(out: &Path) -> Result<Vec<Metric>, String> {
    let mut found = Vec::new();
    find(&out.join("results"), DEPTH_MAX, &mut found);
    // The names have the time.
    let path = found.into_iter().max().ok_or("there is no file of results")?;
    let size = fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if size > BYTES_MAX {
        return Err(format!("the file of results has {size} bytes"));
    }
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    // LightEval writes numbers that are none as `NaN`, which is no JSON.
    let read: Results = serde_json::from_str(&without_nan(&text)).map_err(|error| error.to_string())?;
    let metrics = read.results.into_iter().flat_map(|(task, metrics)| {
        let number = move |(name, value): (String, Value)| {
            Some(Metric { task: task.clone(), name, value: value.as_f64()? })
        };
        metrics.into_iter().filter_map(number)
    });
    Ok(metrics.collect())
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
            find(&path, depth - 1, found);
        } else if name.starts_with("results_") && name.ends_with(".json") {
            found.push(path);
        }
    }
}

fn without_nan(text: &str) -> String {
    ["NaN", "-Infinity", "Infinity"].iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!(": {name}"), ": null").replace(&format!(":{name}"), ":null")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_is_read_wherever_the_name_of_the_model_puts_it() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("results/openai/our account/m");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("results_2026-11-30T06-00-00.json"), r#"{"results": {}}"#).unwrap();
        let newer = r#"{"config_general": {}, "results": {"t|0": {"em": 0.5, "em_stderr": NaN}, "all": {"em": 0.5}}}"#;
        fs::write(deep.join("results_2026-11-30T07-00-00.json"), newer).unwrap();

        let found = read(folder.path()).unwrap();

        let metric = |task: &str| Metric { task: task.into(), name: "em".into(), value: 0.5 };
        assert_eq!(found, [metric("all"), metric("t|0")]);
    }

    #[test]
    fn no_file_or_a_broken_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Err("there is no file of results".into()));
        fs::create_dir_all(folder.path().join("results")).unwrap();
        fs::write(folder.path().join("results/results_1.json"), "{").unwrap();
        assert!(read(folder.path()).is_err());
    }
}
