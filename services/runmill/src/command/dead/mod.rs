//! Dead letters of a cluster: messages that no service could handle.

mod letter;

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use runmill_broker::{
    Broker, Queue,
    amqp::{AmqpBroker, DeadLetter, DeadLetters},
};
use runmill_config::Config;
use uuid::Uuid;

use self::letter::Row;
use crate::{
    cli::{DeadAction, DeadArgs, DeadSelection},
    command::print_json,
    exit::{ExitCode, usage},
    process::Process,
    screen::{Column, FittedTable, note, one_line, print},
    service::{close_broker, connect_broker},
};

const COLUMNS: &[Column] = &[
    Column { title: "id", rank: 0, least: None },
    Column { title: "type", rank: 2, least: None },
    Column { title: "run", rank: 4, least: None },
    Column { title: "age", rank: 3, least: None },
    Column { title: "bytes", rank: 5, least: None },
    Column { title: "reason", rank: 1, least: Some(12) },
];

/// The broker, and the dead letters that exist when a command begins. Those that come meanwhile are left alone, so that a
/// message that comes back at once does not make the command endless.
struct Opened {
    broker: Arc<AmqpBroker>,
    letters: DeadLetters,
    left: u64,
    /// Seconds since 1970.
    now: u64,
}

/// Executes a command on the dead letters in the broker at `AMQP_URL`.
pub async fn run(args: DeadArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let mut opened = open(&process).await?;
    let ended = act(&mut opened, &process.config, &args).await;
    let Opened { broker, letters, .. } = opened;
    // The letters are put back even if the command failed.
    let closed = letters.close().await;
    close_broker(&*broker).await;
    closed?;
    ended
}

async fn open(process: &Process) -> anyhow::Result<Opened> {
    let Some(url) = &process.config.amqp_url else {
        return usage("AMQP_URL is not set: only a cluster has dead letters that outlive a process");
    };
    let broker = connect_broker(&process.config, url).await?;
    broker.move_old_dead_letters().await.context("moving the dead letters of an earlier release")?;
    let letters = broker.dead_letters().await?;
    let left = broker.depth(Queue::Dead).await?.map_or(0, |depth| depth.ready);
    let now = process.clock.now().as_second().try_into().unwrap_or_default();
    Ok(Opened { broker, letters, left, now })
}

async fn act(opened: &mut Opened, config: &Config, args: &DeadArgs) -> anyhow::Result<ExitCode> {
    match &args.action {
        DeadAction::List { limit } => list(opened, *limit, args.json).await,
        DeadAction::Show { id } => show(opened, *id).await,
        DeadAction::Replay(selection) => replay(opened, config, selection, args.json).await,
        DeadAction::Drop { selection, yes } => {
            if !yes && !confirmed(opened, selection)? {
                return Ok(ExitCode::Interrupted);
            }
            drop_letters(opened, selection, args.json).await
        }
    }
}

impl Opened {
    async fn next(&mut self) -> anyhow::Result<Option<DeadLetter>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        Ok(self.letters.next().await?)
    }

    /// Returns the next dead letter that is selected.
    async fn next_of(&mut self, selection: &DeadSelection) -> anyhow::Result<Option<DeadLetter>> {
        while let Some(letter) = self.next().await? {
            if selection.all || selection.ids.contains(&letter.message.id) {
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }
}

async fn list(opened: &mut Opened, limit: u32, json: bool) -> anyhow::Result<ExitCode> {
    let total = opened.left;
    let mut rows = Vec::new();
    while rows.len() < limit as usize
        && let Some(letter) = opened.next().await?
    {
        rows.push(Row::of(&letter.message, opened.now));
    }
    if json {
        print_json(&rows)?;
        return Ok(ExitCode::Completed);
    }
    if rows.is_empty() {
        print("no dead letters")?;
        return Ok(ExitCode::Completed);
    }
    print(table(&rows).for_stdout())?;
    print(format_args!("{} of {total} dead letters", rows.len()))?;
    Ok(ExitCode::Completed)
}

fn table(rows: &[Row]) -> FittedTable {
    let mut table = FittedTable::new(COLUMNS);
    for row in rows {
        table.add([
            row.id.to_string(),
            row.message_type.clone(),
            row.run_id.map_or_else(|| "-".to_owned(), |run_id| run_id.to_string()),
            row.age_seconds.map_or_else(|| "-".to_owned(), |age| format!("{:?}", Duration::from_secs(age))),
            row.bytes.to_string(),
            row.reason.as_deref().map_or_else(|| "-".to_owned(), one_line),
        ]);
    }
    table
}

async fn show(opened: &mut Opened, id: Uuid) -> anyhow::Result<ExitCode> {
    let selection = DeadSelection { ids: vec![id], all: false };
    match opened.next_of(&selection).await? {
        Some(letter) => print_json(&letter::shown(&letter, opened.now)).map(|()| ExitCode::Completed),
        None => anyhow::bail!("no dead letter has the id {id}"),
    }
}

/// Publishes each letter and removes it once the broker has confirmed that: a crash in between leaves two messages, never
/// none.
async fn replay(
    opened: &mut Opened,
    config: &Config,
    selection: &DeadSelection,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut replayed, mut skipped) = (Vec::new(), Vec::new());
    while let Some(letter) = opened.next_of(selection).await? {
        let id = letter.message.id;
        let Some((queue, message)) = letter::replayed(&letter, config.log_partitions) else {
            skipped.push(id);
            continue;
        };
        opened.broker.declare(queue).await?;
        opened.broker.publish(queue, message).await.with_context(|| format!("replaying {id}"))?;
        opened.letters.remove(letter).await?;
        replayed.push(id);
    }
    if !skipped.is_empty() {
        note!(
            "runmill: the queue of {} dead letters is not known; they are left: {}",
            skipped.len(),
            listed(&skipped)
        );
    }
    report("replayed", &replayed, selection, json)
}

async fn drop_letters(
    opened: &mut Opened,
    selection: &DeadSelection,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut dropped = Vec::new();
    while let Some(letter) = opened.next_of(selection).await? {
        dropped.push(letter.message.id);
        opened.letters.remove(letter).await?;
    }
    report("dropped", &dropped, selection, json)
}

/// Asks the person at the terminal. Without one, `--yes` is required.
fn confirmed(opened: &Opened, selection: &DeadSelection) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return usage("dropping dead letters deletes them for good; confirm with --yes");
    }
    let count = if selection.all { opened.left } else { selection.ids.len() as u64 };
    write!(std::io::stderr(), "Delete {count} dead letters for good? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn report(done: &str, ids: &[Uuid], selection: &DeadSelection, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(&serde_json::json!({ done: ids }))?;
    } else {
        print(format_args!("{done} {} dead letters", ids.len()))?;
    }
    let missing: Vec<_> = selection.ids.iter().copied().filter(|id| !ids.contains(id)).collect();
    anyhow::ensure!(missing.is_empty(), "not {done}: {}", listed(&missing));
    Ok(ExitCode::Completed)
}

fn listed(ids: &[Uuid]) -> String {
    ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ")
}
