//! Runs scenarios on several workers, and prints the table.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{runtime::Handle, task::JoinSet};

use crate::{
    checker::Row,
    drive::drive,
    options::Options,
    report::{HEAD, write},
    scenario::Scenario,
};

type Queue = Arc<Mutex<VecDeque<Scenario>>>;

/// Runs the selected scenarios. Returns true if all hold.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let (scenarios, seed) = (options.selected(), options.seed());
    println!("seed {seed}, {} scenarios\n{HEAD}", scenarios.len());
    let names: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    let queue: Queue = Arc::new(Mutex::new(scenarios.into()));
    let mut workers = JoinSet::new();
    for _ in 0..options.workers.clamp(1, names.len().max(1)) {
        let queue = queue.clone();
        // A worker's future has closures that are not `Send`, so it stays on its thread.
        workers.spawn_blocking(move || Handle::current().block_on(work(queue, seed)));
    }
    let mut rows = Vec::new();
    while let Some(worker) = workers.join_next().await {
        rows.extend(worker?);
    }
    rows.sort_by_key(|row| names.iter().position(|name| *name == row.scenario));
    let green = rows.iter().filter(|row| row.is_green()).count();
    let broken = rows.len() - green;
    if !rows.is_empty() {
        println!("\nthe table is in {}", write(&rows, seed)?.display());
    }
    // The line that other tests end with, for those who count.
    let verdict = if broken == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {green} passed; {broken} failed; 0 ignored; 0 measured; 0 filtered out"
    );
    Ok(broken == 0)
}

async fn work(queue: Queue, seed: u64) -> Vec<Row> {
    let (mut rows, mut servers) = (Vec::new(), None);
    while let Some(scenario) = next(&queue) {
        let row = drive(&scenario, &mut servers, seed).await;
        println!("{} <!-- {:.0} s -->", row.markdown(), row.seconds);
        rows.push(row);
    }
    // Stopping servers blocks the thread.
    let _stopped = tokio::task::spawn_blocking(move || drop(servers)).await;
    rows
}

fn next(queue: &Queue) -> Option<Scenario> {
    queue.lock().expect("nothing panics while it holds this lock").pop_front()
}
