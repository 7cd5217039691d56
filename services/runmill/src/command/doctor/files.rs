use super::{noted, passed};
use crate::exit::ExitCode;

/// Number of open files that a process needs beside those of its calls.
const BASE: u64 = 256;

/// Compares the limit of open files with the number of calls that an executor makes at once. Each takes one, and a
/// second one while a connection is replaced.
pub fn check(lane_concurrency: u32) -> ExitCode {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(limit) = soft_limit(&limits) else { return ExitCode::Completed };
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

/// Returns the soft limit. `None` if there is none, or if it cannot be read.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_first_number() {
        let limits = "Max processes  10  10  processes\nMax open files  1024  524288  files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit("Max open files  unlimited  unlimited  files"), None);
        assert_eq!(soft_limit(""), None);
    }
}
