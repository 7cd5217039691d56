use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::traffic::Traffic;

/// Counts of calls since the gateway's start or the last reset: the body of `GET /_gateway/stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    pub all: Traffic,
    /// Number of records that can be read.
    pub calls_kept: u64,
    /// Number of records that were dropped to make room for newer ones.
    pub calls_dropped: u64,
    /// Number of records that are missing in the file, because it was slower than the calls or failed.
    pub file_dropped: u64,
    /// Counts by model, for the first 64 names. Further models are counted together, as `other`.
    pub models: BTreeMap<String, Traffic>,
    /// Counts by the label of the API key, for the first 64 labels. Further ones are counted together, as `other`.
    pub keys: BTreeMap<String, Traffic>,
}
