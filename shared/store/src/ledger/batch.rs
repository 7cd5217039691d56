use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use runmill_proto::{
    InvocationId, RunId,
    message::{Deferred, Invocation, JobKey},
};
use runmill_scoring::Cluster;

use super::{LockedRuns, bounds::Bounds, usage};
use crate::{LogBatch, LogEntry, StoreError, Written, tables::NewUsage};

/// Messages of a batch that are not known to be redelivered, in the order of their arrival.
#[derive(Debug)]
pub struct BatchPlan<'a> {
    entries: Vec<&'a LogEntry>,
    written: Written,
}

/// Rows of a batch that were not yet in the tables.
#[derive(Debug, Default)]
pub struct NewRows {
    /// Jobs that got their result.
    pub settled: HashSet<JobKey>,
    /// Number of jobs of each run that got their result while they waited to be fed again.
    pub undeferred: BTreeMap<RunId, u64>,
    /// Jobs that now wait to be fed again.
    pub deferred: HashSet<JobKey>,
    /// Results of items before this batch.
    pub clusters: HashMap<ItemKey, Cluster>,
}

/// A run and the ordinal of one of its items.
pub type ItemKey = (RunId, u32);

impl<'a> BatchPlan<'a> {
    /// Takes each message of `batch` once, if its run exists. Returns an error if a message is of a job that its run
    /// does not have.
    pub fn new(batch: &'a LogBatch, runs: &LockedRuns) -> Result<Self, StoreError> {
        let bounds: BTreeMap<_, _> = runs.iter().map(|(id, run)| (*id, Bounds::of(&run.row))).collect();
        let (known, orphaned): (Vec<_>, Vec<_>) =
            batch.0.iter().partition(|entry| bounds.contains_key(&entry.key().run_id));
        known.iter().try_for_each(|entry| bounds[&entry.key().run_id].check(entry))?;
        let mut seen = HashSet::with_capacity(known.len());
        let (entries, repeated): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|entry| seen.insert(entry.call().id));
        let written = Written {
            orphaned: orphaned.len() as u64,
            redelivered: repeated.len() as u64,
            ..Written::default()
        };
        Ok(Self { entries, written })
    }

    /// Returns the calls to insert, in the order of their keys: writers that insert in one order cannot deadlock.
    pub fn calls(&self) -> Vec<&'a LogEntry> {
        let mut calls = self.entries.clone();
        calls.sort_unstable_by_key(|entry| (entry.key().run_id, entry.call().id));
        calls
    }

    /// Drops the messages whose calls are already stored.
    pub fn keep_new(&mut self, new: &HashSet<InvocationId>) {
        let before = self.entries.len();
        self.entries.retain(|entry| new.contains(&entry.call().id));
        self.written.redelivered += (before - self.entries.len()) as u64;
    }

    /// Returns the results to insert for jobs without one, at most one for each job, in the order of their keys.
    pub fn results(&self, runs: &LockedRuns) -> Vec<&'a Invocation> {
        let mut results: BTreeMap<JobKey, &Invocation> = BTreeMap::new();
        for entry in self.current(runs) {
            if let LogEntry::Invocation(invocation) = entry
                && invocation.client.is_none()
            {
                results.entry(entry.key()).or_insert(invocation);
            }
        }
        results.into_values().collect()
    }

    /// Returns the items of these results, in the order of their keys, of runs whose items have several samples.
    pub fn items(results: &[&Invocation], runs: &LockedRuns) -> Vec<ItemKey> {
        let of_samples = results.iter().filter(|result| runs[&result.run_id].has_samples());
        let items: BTreeSet<_> = of_samples.map(|result| (result.run_id, result.ordinal)).collect();
        items.into_iter().collect()
    }

    /// Returns the deferrals to insert for jobs with neither a result nor a later deferral, each with its time, at
    /// most one for each job, in the order of their keys.
    pub fn deferrals(&self, runs: &LockedRuns) -> Vec<(&'a Deferred, Timestamp)> {
        let mut deferrals: BTreeMap<JobKey, &Deferred> = BTreeMap::new();
        for entry in self.current(runs) {
            if let LogEntry::Deferred(deferred) = entry
                && !runs[&deferred.run_id].row.status.is_terminal()
            {
                let latest = deferrals.entry(entry.key()).or_insert(deferred);
                if latest.attempt < deferred.attempt {
                    *latest = deferred;
                }
            }
        }
        deferrals.into_values().map(|deferred| (deferred, runs[&deferred.run_id].due(deferred))).collect()
    }

    /// Returns what the calls add to the sums of their days, in the order in which writers lock the rows. The runs are
    /// spread over `shards` rows of each key.
    pub fn usage(&self, runs: &LockedRuns, shards: u32) -> Vec<NewUsage> {
        usage::sums(&self.entries, runs, shards)
    }

    /// Returns the messages by run, and the counts so far.
    pub(super) fn by_run(self) -> (BTreeMap<RunId, Vec<&'a LogEntry>>, Written) {
        let mut by_run: BTreeMap<RunId, Vec<&LogEntry>> = BTreeMap::new();
        for entry in self.entries {
            by_run.entry(entry.key().run_id).or_default().push(entry);
        }
        (by_run, self.written)
    }

    /// Returns the messages of their run's current pass.
    fn current(&self, runs: &LockedRuns) -> impl Iterator<Item = &'a LogEntry> {
        self.entries.iter().copied().filter(|entry| runs[&entry.key().run_id].is_current(entry))
    }
}
