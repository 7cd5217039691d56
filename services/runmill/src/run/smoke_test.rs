use runmill_proto::api::SmokeTestReport;

use crate::screen::Sheet;

/// Returns the report of a smoke test as a table.
pub fn table(model: &str, report: &SmokeTestReport) -> Sheet {
    let mut sheet = Sheet::framed();
    let mut row = |name: &str, value: String| sheet.row(name, value);
    row(
        "model",
        match &report.answered_by {
            Some(other) => format!("{model} (answered by {other})"),
            None => model.to_owned(),
        },
    );
    row("answers", answers(report));
    if let Some(error) = &report.error {
        row("error", error.message.clone());
        row("what to do", error.advice.clone());
        return sheet;
    }
    row("streams", streams(report));
    row("usage", usage(report));
    row("JSON mode", yes_or_no(report.json_mode));
    if let Some(cost) = report.cost_usd {
        row("cost", format!("${cost:.6}"));
    }
    sheet
}

fn answers(report: &SmokeTestReport) -> String {
    match (&report.preview, &report.error) {
        (Some(preview), _) => format!("yes, in {} ms: {}", report.latency_ms, excerpt(preview)),
        (None, Some(error)) => {
            let status = error.status.map(|status| format!(", status {status}")).unwrap_or_default();
            format!("no: {}{status}", error.kind)
        }
        (None, None) => "yes".to_owned(),
    }
}

/// Returns the beginning of an answer, short enough for one line.
fn excerpt(answer: &str) -> String {
    const CHARS_MAX: usize = 50;
    let start: String = answer.chars().take(CHARS_MAX).collect();
    let rest = if start.len() < answer.len() { "..." } else { "" };
    format!("{start:?}{rest}")
}

fn streams(report: &SmokeTestReport) -> String {
    match report.ttft_ms {
        Some(ttft) => format!("yes, first token after {ttft} ms"),
        None => "no, the answer comes in one piece".to_owned(),
    }
}

fn usage(report: &SmokeTestReport) -> String {
    match report.usage {
        Some(usage) => {
            format!("{} prompt, {} completion tokens", usage.prompt_tokens, usage.completion_tokens)
        }
        None => "not reported, so costs will be unknown".to_owned(),
    }
}

fn yes_or_no(answer: Option<bool>) -> String {
    match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
    .to_owned()
}
