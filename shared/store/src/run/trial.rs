//! Trial of a run: until its first answer it is limited, and it pauses if its first calls all fail alike.

use runmill_proto::ErrorKind;

use super::RunRow;

impl RunRow {
    /// Returns true if the run has no answer yet in this pass or an earlier one.
    pub fn is_on_trial(&self) -> bool {
        self.stats.answers() == 0
    }

    /// Returns the kind of error by which most jobs failed, with their number. Failures that say nothing about the
    /// calls that follow do not count.
    pub fn failed_alike(&self) -> Option<(ErrorKind, u64)> {
        let counted = self.stats.errors.iter().filter(|(kind, _)| !kind.is_of_one_job());
        counted.map(|(kind, jobs)| (*kind, *jobs)).max_by_key(|(_, jobs)| *jobs)
    }

    /// Returns the reason for which the run has to pause, if its trial failed: `trial_calls` jobs failed alike, none
    /// was answered, and none is in flight.
    pub fn trial_fault(&self, trial_calls: u32) -> Option<String> {
        let (kind, jobs) = self.failed_alike()?;
        let failed = trial_calls > 0 && jobs >= u64::from(trial_calls) && self.is_on_trial();
        let can_pause = self.is_feedable() && !self.status.is_terminal() && self.in_queue() == 0;
        (failed && can_pause).then(|| {
            let text = self.stats.messages.most_frequent(kind).unwrap_or(kind.as_str());
            format!("the first {jobs} items all failed alike: {text}")
        })
    }
}
