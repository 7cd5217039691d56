//! A client of a run's events that loses its connection at random and must see every event once.

use std::time::Duration;

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use runmill_proto::RunId;
use tokio::time::sleep;

use crate::{api::Api, waiting::POLL};

/// Largest number of events after which the observer drops its connection.
const EVENTS_MAX: u32 = 300;

/// Events that an observer saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub last: u64,
    /// First gap or repetition, as the number that was expected and the one that came.
    pub fault: Option<(u64, u64)>,
    pub ended: bool,
}

/// Follows the events of a run to their end. The bound is the scenario's, which stops waiting.
pub async fn observe(api: Api, run: RunId, seed: u64) -> Seen {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut events = Seen::default();
    for connection in 0.. {
        let budget = rng.random_range(1..=EVENTS_MAX);
        follow(&api, connection, run, budget, &mut events).await;
        if events.ended || events.fault.is_some() {
            break;
        }
        sleep(POLL).await;
    }
    events
}

/// Reads one connection until it breaks, the stream ends, or `budget` events came.
async fn follow(api: &Api, dispatcher: usize, run: RunId, budget: u32, seen: &mut Seen) {
    let request = api.request(dispatcher, Method::GET, &format!("/runs/{run}/events"));
    let request = request.header("last-event-id", seen.last);
    let opened = tokio::time::timeout(Duration::from_secs(5), request.send()).await;
    let Ok(Ok(mut answer)) = opened else { return };
    let (mut text, mut count) = (Vec::new(), 0);
    while count < budget && !seen.ended {
        let Ok(Some(piece)) = answer.chunk().await else { return };
        count += take(&mut text, &piece, seen);
    }
}

/// Reads the complete events of `text` and `piece`. Returns how many had a number.
fn take(text: &mut Vec<u8>, piece: &Bytes, seen: &mut Seen) -> u32 {
    text.extend_from_slice(piece);
    let mut count = 0;
    while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
        let frame: Vec<u8> = text.drain(..end + 2).collect();
        let frame = String::from_utf8_lossy(&frame);
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        seen.ended |= field("event: ") == Some("end");
        let Some(id) = field("id: ").and_then(|id| id.parse().ok()) else { continue };
        if id != seen.last + 1 && seen.fault.is_none() {
            seen.fault = Some((seen.last + 1, id));
        }
        seen.last = id;
        count += 1;
    }
    count
}
