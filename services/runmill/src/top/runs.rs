use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use runmill_proto::api::Run;

use super::{
    rates::Rates,
    snapshot::{Snapshot, is_active},
    table::{TextRow, TextTable},
};
use crate::run::{limit, summary, waiting};

const COLUMNS: &[(&str, u16)] = &[
    ("run", 36),
    ("model", 16),
    ("status", 10),
    ("settled", 17),
    ("failed", 7),
    ("items/s", 7),
    ("cost", 10),
    ("held back by", 0),
];

pub fn table(snapshot: &Snapshot, rates: &Rates) -> TextTable {
    let rows = snapshot.runs.iter().map(|run| row(run, snapshot, rates));
    TextTable { title: "runs", columns: COLUMNS, rows: rows.collect() }
}

/// Returns the number of settled jobs of each run.
pub fn counts(snapshot: &Snapshot) -> Vec<(String, BTreeMap<String, u64>)> {
    let counts = |run: &Run| (run.id.to_string(), [(String::new(), run.counters.settled)].into());
    snapshot.runs.iter().map(counts).collect()
}

fn row(run: &Run, snapshot: &Snapshot, rates: &Rates) -> TextRow {
    let rate = rates.per_second(&run.id.to_string()).filter(|_| is_active(run));
    let cells = vec![
        run.name.clone().unwrap_or_else(|| run.id.to_string()),
        run.model.clone(),
        summary::status_word(run),
        progress(run),
        run.counters.failed.to_string(),
        rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
        run.cost_usd.map_or_else(|| "-".to_owned(), |cost| format!("${cost:.4}")),
        held_back(run, snapshot).unwrap_or_default(),
    ];
    let style = match (is_active(run), run.pause_reason.is_some()) {
        (false, _) => Style::new().add_modifier(Modifier::DIM),
        (true, true) => Style::new().fg(Color::Yellow),
        (true, false) => Style::new(),
    };
    TextRow { cells, style }
}

fn progress(run: &Run) -> String {
    let (settled, total) = (run.counters.settled, run.counters.total);
    let percent = (100 * settled).checked_div(total).unwrap_or(100);
    format!("{settled}/{total} {percent:>3} %")
}

/// Returns what holds the run back: a pause, a fault of the installation, a wait or a limit.
fn held_back(run: &Run, snapshot: &Snapshot) -> Option<String> {
    if !is_active(run) {
        return None;
    }
    let fault = || run.held_back.first().map(|held| held.message.clone());
    let limit = || {
        let lane = snapshot.lane(run.provider_id)?;
        limit::waits_for(lane.limits.as_ref()?, &run.model, &lane.name)
    };
    let pause = run.pause_reason.clone();
    pause.or_else(fault).or_else(|| waiting::wait_message(run)).or_else(limit)
}
