use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::traffic::Traffic;

/// What the gateway saw since its start or the last reset: the body of `GET /_gateway/stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    pub all: Traffic,
    /// Records that can be read.
    pub calls_kept: u64,
    /// Records that were forgotten because newer ones needed their place.
    pub calls_dropped: u64,
    /// Records that did not get into the file, because it was slower than the calls or failed.
    pub file_dropped: u64,
    /// By model, for the first 64 names; the rest is `other`.
    pub models: BTreeMap<String, Traffic>,
    /// By API-key label, likewise.
    pub keys: BTreeMap<String, Traffic>,
}
