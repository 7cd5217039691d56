use super::{noted, passed};
use crate::{exit::ExitCode, open_files::open_files_max};

/// Number of open files that a process needs beside those of its calls.
const BASE: u64 = 256;

/// Compares the limit of open files with the number of calls that an executor makes at once. Each takes one, and a
/// second one while a connection is replaced.
pub fn check(lane_concurrency: u32) -> ExitCode {
    let Some(limit) = open_files_max() else { return ExitCode::Completed };
    let needed = BASE + 2 * u64::from(lane_concurrency);
    if limit < needed {
        noted(
            "open files",
            &format!(
                "this process may open {limit} files, and an executor with RUNMILL_LANE_CONCURRENCY={lane_concurrency} \
                 may need {needed} for each provider: raise LimitNOFILE or `ulimit -n`"
            ),
        );
        return ExitCode::Completed;
    }
    passed("open files", &format!("{limit}"))
}
