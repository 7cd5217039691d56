use jiff::Timestamp;
use ratatui::style::{Color, Style};
use runmill_proto::api::ExecutorStatus;

use super::{
    snapshot::Snapshot,
    table::{TextRow, TextTable},
};

const COLUMNS: &[(&str, u16)] =
    &[("executor", 32), ("seen", 8), ("jobs", 6), ("in flight", 9), ("version", 8), ("state", 0)];

pub fn table(snapshot: &Snapshot) -> TextTable {
    let rows = snapshot.executors.iter().map(|executor| row(executor, snapshot.now));
    TextTable { title: "executors", columns: COLUMNS, rows: rows.collect() }
}

fn row(executor: &ExecutorStatus, now: Timestamp) -> TextRow {
    let seen = now.duration_since(executor.seen_at).as_secs_f64().max(0.0);
    let jobs: u32 = executor.runs.iter().map(|run| run.jobs).sum();
    let in_flight: u32 = executor.lanes.iter().map(|lane| lane.in_flight).sum();
    let is_late = seen > 2.0 * ExecutorStatus::REPORTS_EVERY.as_secs_f64();
    let cells = vec![
        executor.name.clone(),
        format!("{seen:.0} s ago"),
        jobs.to_string(),
        in_flight.to_string(),
        executor.version.clone(),
        state(executor),
    ];
    TextRow { cells, style: if is_late { Style::new().fg(Color::Yellow) } else { Style::new() } }
}

fn state(executor: &ExecutorStatus) -> String {
    let draining = executor.draining.then(|| "draining".to_owned());
    let faults = executor.lanes.iter().filter_map(|lane| lane.fault.clone());
    let keys = executor.lanes.iter().flat_map(|lane| &lane.keys);
    let keys = keys.filter_map(|key| Some(format!("key {}: {}", key.label, key.set_aside.as_ref()?)));
    draining.into_iter().chain(faults).chain(keys).collect::<Vec<_>>().join("; ")
}
