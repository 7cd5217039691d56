use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runmill_proto::api::Run;
use tokio::time::Instant;

use super::{
    budget,
    limit_watch::InUse,
    pace::Pace,
    summary,
    waiting::{self, deferred, items, only_waits},
};
use crate::screen::{note, one_line, plain, terminal_width};

/// Display of a run's progress on standard error: a bar on a terminal, and otherwise a line every two seconds.
pub struct ProgressDisplay {
    screen: Screen,
    pace: Option<Pace>,
}

enum Screen {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
    Nothing,
}

const LINE_INTERVAL: Duration = Duration::from_secs(2);

impl ProgressDisplay {
    pub fn new(quiet: bool) -> Self {
        let screen = if quiet {
            Screen::Nothing
        } else if stderr().is_terminal() {
            Screen::Bar(bar())
        } else {
            Screen::Lines { last: None }
        };
        Self { screen, pace: None }
    }

    /// `in_use` tells of the limits of the run's provider.
    pub fn show(&mut self, run: &Run, in_use: &InUse) {
        let (settled, total) = (run.counters.settled, run.counters.total);
        let per_second = self.pace.get_or_insert_with(|| Pace::new(settled)).look(settled);
        let text = describe(run, per_second, in_use);
        self.show_sum(settled, total, text);
    }

    /// Shows how many jobs have settled, perhaps of several runs.
    pub fn show_sum(&mut self, settled: u64, total: u64, text: String) {
        match &mut self.screen {
            Screen::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(settled);
                bar.set_message(text);
            }
            Screen::Lines { last } => {
                let due = last.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
                if due || settled == total {
                    *last = Some(Instant::now());
                    note!("{settled}/{total}  {text}");
                }
            }
            Screen::Nothing => {}
        }
    }

    /// Prints a message that explains a wait, even if progress is not shown.
    pub fn print(&self, text: &str) {
        match &self.screen {
            Screen::Bar(bar) => bar.println(plain(text)),
            Screen::Lines { .. } | Screen::Nothing => note!("{text}"),
        }
    }

    /// Removes the bar from the screen.
    pub fn finish(&self) {
        if let Screen::Bar(bar) = &self.screen {
            bar.finish_and_clear();
        }
    }
}

/// Returns a bar that leaves most of the terminal's width for the message, which is cut there.
fn bar() -> ProgressBar {
    let width = (terminal_width() / 5).clamp(8, 32);
    let style = ProgressStyle::with_template(&format!("{{bar:{width}}} {{pos}}/{{len}}  {{wide_msg}}"))
        .expect("the template differs in a number alone");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// Returns what there is to say on one line, the most important first: a narrow terminal cuts the end.
fn describe(run: &Run, per_second: f64, in_use: &InUse) -> String {
    let counters = &run.counters;
    let is_held_back = !run.held_back.is_empty();
    let is_moving = run.paused_at.is_none() && !is_held_back;
    let mut parts = Vec::new();
    if run.pause_reason.is_some() {
        parts.push(summary::status(run));
    }
    // While items only wait, or the run is paused or held back, the rate so far says nothing about the time that is left.
    if per_second > 0.0 && is_moving && !only_waits(run) {
        parts.push(waiting::rate(per_second));
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let left = (counters.total - counters.settled) as f64 / per_second;
        if left >= 1.0 && deferred(run) == 0 {
            parts.push(format!("{} left", HumanDuration(Duration::from_secs_f64(left.min(1e9)))));
        }
    }
    if is_held_back {
        parts.push("held back".to_owned());
    }
    if is_moving {
        parts.extend(in_use.calls_in_flight.as_ref().map(|calls| format!("{calls} in flight")));
        parts.extend(in_use.waits_for.clone());
    }
    if deferred(run) > 0 && run.paused_at.is_none() {
        let until = run.retry_after.map(|time| format!(" until {time:.0}")).unwrap_or_default();
        parts.push(format!("waiting for {}{until}", items(deferred(run))));
    }
    if let Some(cost) = run.cost_usd {
        parts.push(format!("${cost:.4}"));
    }
    parts.extend(budget::left(run));
    parts.extend(errors(run));
    if counters.retries > 0 {
        let reason = run.retry_reason.as_ref().filter(|_| deferred(run) > 0);
        let reason = reason.map(|reason| format!(", the last for: {reason}")).unwrap_or_default();
        parts.push(format!("{} retries{reason}", counters.retries));
    }
    parts.push(format!("{} tokens", run.usage.prompt_tokens + run.usage.completion_tokens));
    parts.iter().map(|part| one_line(part)).collect::<Vec<_>>().join("  ")
}

/// Returns the numbers of failed jobs by kind, the largest first, with the commonest words of the first.
fn errors(run: &Run) -> Option<String> {
    let mut kinds: Vec<_> = run.errors.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let (commonest, _) = kinds.first()?;
    let message = run.messages.iter().find(|message| message.kind == **commonest);
    let words = message.map(|message| format!(" ({})", message.text)).unwrap_or_default();
    let counts: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    Some(format!("{}{words}", counts.join(", ")))
}

#[cfg(test)]
mod tests {
    use runmill_proto::{
        ErrorKind,
        api::{HeldBack, HeldBackCause, RunCounters, RunMessage},
    };

    use super::*;
    use crate::run::testing;

    #[test]
    fn no_time_is_left_to_count_down_while_items_wait() {
        let counters = RunCounters { total: 200, fed: 200, settled: 196, ..RunCounters::default() };
        let goes_on = Run { counters, ..testing::run() };
        assert!(
            describe(&goes_on, 2.0, &InUse::default()).contains("2 seconds left"),
            "{}",
            describe(&goes_on, 2.0, &InUse::default())
        );

        let retry_after = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let retry_reason = Some("rate limit".to_owned());
        let counters = RunCounters { deferred: 4, ..counters };
        let waits = Run { counters, retry_after, retry_reason, ..goes_on.clone() };
        let text = describe(&waits, 2.0, &InUse::default());
        assert!(text.starts_with("waiting for 4 items until 2026-01-01T10:20:30Z"), "{text}");
        assert!(!text.contains("left"), "{text}");

        let held_back = vec![HeldBack { cause: HeldBackCause::NoExecutor, message: "none".to_owned() }];
        let text = describe(&Run { held_back, ..goes_on.clone() }, 2.0, &InUse::default());
        assert!(text.starts_with("held back  ") && !text.contains("left"), "{text}");

        let paused_at = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let text = describe(&Run { paused_at, ..goes_on }, 2.0, &InUse::default());
        assert!(!text.contains("left") && !text.contains("items/s"), "{text}");
    }
    #[test]
    fn a_limit_is_told_beside_the_rate_unless_the_run_stands_still() {
        let counters = RunCounters { total: 200, fed: 200, settled: 100, ..RunCounters::default() };
        let goes_on = Run { counters, ..testing::run() };
        let in_use = InUse {
            waits_for: Some("waiting for 60 calls a minute of provider x".to_owned()),
            calls_in_flight: Some("62/64".to_owned()),
        };

        let text = describe(&goes_on, 1.0, &in_use);
        let want = "1 item/s  2 minutes left  62/64 in flight  waiting for 60 calls a minute";
        assert!(text.starts_with(want), "{text}");

        let paused_at = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let text = describe(&Run { paused_at, ..goes_on }, 1.0, &in_use);
        assert!(!text.contains("60 calls") && !text.contains("in flight"), "{text}");
    }

    #[test]
    fn the_commonest_error_is_told_with_the_words_of_the_provider() {
        let message = |kind, text: &str, jobs| RunMessage { kind, text: text.to_owned(), jobs };
        let run = Run {
            errors: [(ErrorKind::InvalidRequest, 3), (ErrorKind::Connection, 1)].into(),
            messages: vec![
                message(ErrorKind::Connection, "no answer", 1),
                message(ErrorKind::InvalidRequest, "no such model", 3),
            ],
            ..testing::run()
        };
        let text = describe(&run, 0.0, &InUse::default());
        assert!(text.starts_with("3 invalid_request, 1 connection (no such model)"), "{text}");
    }
}
