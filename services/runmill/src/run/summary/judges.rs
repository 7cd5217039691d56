use runmill_proto::{
    api::{JudgeProgress, Run},
    usd,
};

use super::score;

/// Returns a line for each judge of the run.
pub fn lines(run: &Run) -> Vec<String> {
    run.judges.iter().map(line).collect()
}

fn line(of: &JudgeProgress) -> String {
    let verdict = score(&of.score);
    let cost = of.cost_nanousd.map(|cost| format!(", ${:.6}", usd(cost))).unwrap_or_default();
    let state = match &of.pause_reason {
        _ if of.status.is_terminal() => String::new(),
        Some(reason) => format!("; paused: {reason}"),
        None => format!("; {} of {} verdicts given", of.settled, of.total),
    };
    let failed = if of.failed > 0 { format!("; {} failed", of.failed) } else { String::new() };
    format!("{}: {verdict}; {} calls{cost}{failed}{state}", of.judge.model, of.calls)
}
