use std::collections::{BTreeMap, HashSet};

use runmill_proto::{
    ErrorKind, Outcome,
    api::{ResultRecord, Run},
};

/// Checks that no job has two results, and that the run's counters equal the counts of its results.
pub fn assert_counters_equal_rows(run: &Run, results: &[ResultRecord]) {
    let jobs: HashSet<_> = results.iter().map(|result| (result.ordinal, result.sample)).collect();
    assert_eq!(jobs.len(), results.len(), "a job has more than one result");
    let rows = |outcome| results.iter().filter(|result| result.outcome == outcome).count() as u64;
    let counters = &run.counters;
    assert_eq!(counters.settled, results.len() as u64, "{counters:?}");
    let counted = [
        (Outcome::Succeeded, counters.succeeded),
        (Outcome::Refused, counters.refused),
        (Outcome::Truncated, counters.truncated),
        (Outcome::Failed, counters.failed),
        (Outcome::Canceled, counters.canceled),
        (Outcome::BudgetStopped, counters.budget_stopped),
    ];
    for (outcome, count) in counted {
        assert_eq!(rows(outcome), count, "{outcome} of {counters:?}");
    }
    let mut errors: BTreeMap<ErrorKind, u64> = BTreeMap::new();
    for result in results.iter().filter(|result| result.outcome == Outcome::Failed) {
        *errors.entry(result.error_kind.expect("a failure says why")).or_default() += 1;
    }
    assert_eq!(run.errors, errors);
}
