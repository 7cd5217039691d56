use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use runmill_proto::message::Attempt;
use tokio::time::Instant;

/// Text of the error of a process that may open no further file (`EMFILE`).
const NONE_LEFT: &str = "(os error 24)";
/// Shortest time between two warnings.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// Says that calls fail because the process has too many open files. Each such failure looks like one of the network.
#[derive(Default)]
pub struct OpenFiles(Mutex<Option<Instant>>);

impl OpenFiles {
    pub fn note(&self, attempts: &[Attempt]) {
        if attempts.iter().any(failed_for_files) && self.is_due(Instant::now()) {
            tracing::error!(
                event = "executor.files_exhausted",
                "calls fail because this process may open no more files: raise its limit (ulimit -n), or lower the \
                 providers' concurrency"
            );
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = said.is_none_or(|said| now.duration_since(said) >= SAY_EVERY);
        if due {
            *said = Some(now);
        }
        due
    }
}

fn failed_for_files(attempt: &Attempt) -> bool {
    attempt.error.as_deref().is_some_and(|error| error.contains(NONE_LEFT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute() {
        let (files, now) = (OpenFiles::default(), Instant::now());
        let said = [0, 1, 59, 60, 61].map(|second| files.is_due(now + Duration::from_secs(second)));
        assert_eq!(said, [true, false, false, true, false]);
    }

    #[test]
    fn only_a_lack_of_files_is_one() {
        let error = std::io::Error::from_raw_os_error(24).to_string();
        assert!(error.contains(NONE_LEFT), "{error}");
    }
}
