//! The page of `runmill top`: what an installation does at the moment.

mod executors;
mod lanes;
mod page;
mod rates;
mod runs;
mod screen;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossterm::event::EventStream;
use futures::{Stream, StreamExt, stream};
use runmill_runtime::Clock;
use tokio::time::{sleep, timeout};

use crate::{client::Client, exit::ExitCode};
use page::{Action, Page};
use screen::Screen;
use snapshot::Snapshot;

/// Interval of updates, and of attempts to reach an API that is away.
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for the answers of the API that one update needs.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Shows the page until the user quits it, or until a signal. The page survives an API that is away, unless it is away at the
/// start.
pub async fn show(
    client: &Client,
    clock: &Clock,
    signals: &mut (impl Stream<Item = ()> + Unpin),
) -> anyhow::Result<ExitCode> {
    let first = Snapshot::read(client, clock.now()).await?;
    let mut page = Page::new(client.base_url(), first);
    let mut screen = Screen::open()?;
    let mut events = EventStream::new();
    let updates = stream::repeat(()).then(async |()| update(client, clock).await);
    tokio::pin!(updates);
    loop {
        screen.draw(&mut page)?;
        tokio::select! {
            Some(update) = updates.next() => page.take(update),
            Some(event) = events.next() => {
                if page.act_on(&event?) == Action::Quit {
                    return Ok(ExitCode::Completed);
                }
            }
            Some(()) = signals.next() => return Ok(ExitCode::Interrupted),
            // The terminal and the API are gone.
            else => return Ok(ExitCode::Completed),
        }
    }
}

/// Reads the next snapshot after the interval. Returns the reason if the API does not answer.
async fn update(client: &Client, clock: &Clock) -> Result<Snapshot, String> {
    sleep(INTERVAL).await;
    match timeout(ANSWER_MAX, Snapshot::read(client, clock.now())).await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER_MAX.as_secs())),
    }
}
