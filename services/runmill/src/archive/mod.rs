//! Archive of what is removed: a folder with one file for each run and dataset, of NDJSON compressed with zstd.
//!
//! Each line is an object with one field, which names what the line is. The first is the `run` or `dataset`, then come all
//! its `result`s and `invocation`s or `item`s, and the last is the `end` with their numbers: a file without it is not whole.

mod reading;
#[cfg(test)]
mod tests;
mod writing;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use runmill_proto::api::{Dataset, Run};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use reading::{ArchivedRun, Entry};
pub use writing::{write_dataset, write_run};

/// One line of a file. Exactly one field is present.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Box<Run>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<Box<Dataset>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    invocation: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

/// Numbers of the lines of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
struct End {
    results: u64,
    invocations: u64,
    items: u64,
}

/// Returns the path of the file of a run or dataset.
pub fn file_of(folder: &Path, id: impl Display) -> PathBuf {
    folder.join(format!("{id}.ndjson.zst"))
}
