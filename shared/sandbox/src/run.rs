use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::{
    Limits, Program, Verdict,
    process::{self, Ended, Stop},
};

const JUDGE: &str = concat!(
    include_str!("python/values.py"),
    include_str!("python/confine.py"),
    include_str!("python/judge.py")
);
const ANSWER: &str = concat!(include_str!("python/values.py"), include_str!("python/answer.py"));

/// Request that the judge reads. Only its process ever has it.
#[derive(Serialize)]
struct Request<'a> {
    token: &'a str,
    limits: &'a Limits,
    runner: &'static str,
    code: &'a str,
    setup: &'a str,
    tests: &'a str,
    entry_point: Option<&'a str>,
}

/// Line that the judge writes at its end.
#[derive(Deserialize)]
struct Ruling {
    token: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Runs the program with the command that is made for the judge's source.
pub(crate) async fn run(
    command: impl FnOnce(&str) -> Command,
    limits: &Limits,
    program: &Program,
) -> Verdict {
    // Another process of the sandbox may find a way to write where the judge does, but it cannot know this.
    let token = format!("{:032x}", rand::random::<u128>());
    let request = Request {
        token: &token,
        limits,
        runner: ANSWER,
        code: &program.code,
        setup: &program.setup,
        tests: &program.tests,
        entry_point: program.entry_point.as_deref(),
    };
    let request = match serde_json::to_vec(&request) {
        Ok(request) => request,
        Err(error) => return Verdict::Broken { reason: error.to_string() },
    };
    match process::run(command(JUDGE), &request, limits).await {
        Ok(ended) => verdict(&ended, &token),
        Err(error) => Verdict::Broken { reason: error.to_string() },
    }
}

fn verdict(ended: &Ended, token: &str) -> Verdict {
    match ended.stop {
        Some(Stop::Time) => Verdict::TimedOut,
        Some(Stop::Memory) => Verdict::OutOfMemory,
        Some(Stop::Output) => Verdict::TooMuchOutput,
        None => ruled(&ended.rulings, token).unwrap_or_else(|| unruled(ended)),
    }
}

fn ruled(lines: &[u8], token: &str) -> Option<Verdict> {
    let rulings =
        lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Ruling>(line).ok());
    rulings.into_iter().find(|ruling| ruling.token == token).map(|ruling| ruling.verdict)
}

fn unruled(ended: &Ended) -> Verdict {
    if let Some(signal) = signal(ended.status) {
        return Verdict::Killed { signal };
    }
    let text = String::from_utf8_lossy(&ended.printed);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let reason =
        last.map_or_else(|| format!("it ended without a ruling, with {}", ended.status), str::to_owned);
    Verdict::Broken { reason }
}

/// Returns the signal that ended the judge. The tools that make sandboxes tell it as shells do.
fn signal(status: ExitStatus) -> Option<i32> {
    status.signal().or_else(|| status.code().filter(|code| *code > 128).map(|code| code - 128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruling_counts_only_with_its_token() {
        let lines = b"noise\n{\"token\":\"other\",\"verdict\":\"passed\"}\n{\"verdict\":\"passed\"}\n";
        assert_eq!(ruled(lines, "mine"), None);

        let lines =
            [lines, b"{\"token\":\"mine\",\"verdict\":\"killed\",\"signal\":9}\n".as_slice()].concat();
        assert_eq!(ruled(&lines, "mine"), Some(Verdict::Killed { signal: 9 }));
    }
}
