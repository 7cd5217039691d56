use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runmill_proto::api::Run;
use tokio::time::Instant;

use super::{
    budget, summary,
    waiting::{self, deferred, items, only_waits},
};
use crate::screen::note;

/// Display of a run's progress on standard error: a bar on a terminal, and otherwise a line every two seconds.
pub struct ProgressDisplay {
    screen: Screen,
    /// Number of settled jobs at the first call of [`Self::show`], and the time of that call. The rate is measured
    /// from there.
    first: Option<(u64, Instant)>,
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
        Self { screen, first: None }
    }

    /// `limit` tells for which limit the run's calls wait, if they do.
    pub fn show(&mut self, run: &Run, limit: Option<&str>) {
        let (settled, total) = (run.counters.settled, run.counters.total);
        let (from, since) = *self.first.get_or_insert((settled, Instant::now()));
        let text = describe(run, rate(settled - from.min(settled), since.elapsed()), limit);
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
            Screen::Bar(bar) => bar.println(text),
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

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {msg}").expect("a constant template");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

fn rate(jobs: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    if seconds > 0.5 { jobs as f64 / seconds } else { 0.0 }
}

fn describe(run: &Run, per_second: f64, limit: Option<&str>) -> String {
    let counters = &run.counters;
    let mut parts = Vec::new();
    let is_held_back = !run.held_back.is_empty();
    // While items only wait, or the run is paused or held back, the rate so far says nothing about the time that is left.
    if per_second > 0.0 && !only_waits(run) && run.paused_at.is_none() && !is_held_back {
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
    if let Some(limit) = limit.filter(|_| run.paused_at.is_none() && !is_held_back) {
        parts.push(limit.to_owned());
    }
    if deferred(run) > 0 && run.paused_at.is_none() {
        let until = run.retry_after.map(|time| format!(" until {time:.0}")).unwrap_or_default();
        parts.push(format!("waiting for {}{until}", items(deferred(run))));
    }
    parts.push(format!("{} tokens", run.usage.prompt_tokens + run.usage.completion_tokens));
    if let Some(cost) = run.cost_usd {
        parts.push(format!("${cost:.4}"));
    }
    parts.extend(budget::left(run));
    if counters.retries > 0 {
        parts.push(format!("{} retries", counters.retries));
    }
    parts.extend(run.errors.iter().map(|(kind, count)| format!("{count} {kind}")));
    if run.pause_reason.is_some() {
        parts.push(summary::status(run));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::{HeldBack, HeldBackCause, RunCounters};

    use super::*;
    use crate::run::testing;

    #[test]
    fn no_time_is_left_to_count_down_while_items_wait() {
        let counters = RunCounters { total: 200, fed: 200, settled: 196, ..RunCounters::default() };
        let goes_on = Run { counters, ..testing::run() };
        assert!(
            describe(&goes_on, 2.0, None).contains("2 seconds left"),
            "{}",
            describe(&goes_on, 2.0, None)
        );

        let retry_after = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let retry_reason = Some("rate limit".to_owned());
        let counters = RunCounters { deferred: 4, ..counters };
        let waits = Run { counters, retry_after, retry_reason, ..goes_on.clone() };
        let text = describe(&waits, 2.0, None);
        assert!(text.starts_with("waiting for 4 items until 2026-01-01T10:20:30Z"), "{text}");
        assert!(!text.contains("left"), "{text}");

        let held_back = vec![HeldBack { cause: HeldBackCause::NoExecutor, message: "none".to_owned() }];
        let text = describe(&Run { held_back, ..goes_on.clone() }, 2.0, None);
        assert!(text.starts_with("held back  ") && !text.contains("left"), "{text}");

        let paused_at = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let text = describe(&Run { paused_at, ..goes_on }, 2.0, None);
        assert!(!text.contains("left") && !text.contains("items/s"), "{text}");
    }
    #[test]
    fn a_limit_is_told_beside_the_rate_unless_the_run_stands_still() {
        let counters = RunCounters { total: 200, fed: 200, settled: 100, ..RunCounters::default() };
        let goes_on = Run { counters, ..testing::run() };
        let limit = Some("waiting for 60 calls a minute of provider x");

        let text = describe(&goes_on, 1.0, limit);
        assert!(text.starts_with("1 item/s  2 minutes left  waiting for 60 calls a minute"), "{text}");

        let paused_at = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let text = describe(&Run { paused_at, ..goes_on }, 1.0, limit);
        assert!(!text.contains("60 calls"), "{text}");
    }
}
