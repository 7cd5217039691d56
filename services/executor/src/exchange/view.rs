use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runmill_proto::message::JobKey;
use runmill_store::{Ask, Exchanged, Holding, Peer, Talk};

use super::{Feeding, silence::Silence};

/// Age of the last heartbeat of a dead executor up to which it may be the one that died with a redelivered job.
const DIED_LATELY: Duration = Duration::from_mins(1);

/// The other executors, as one of them sees them at one exchange.
pub struct View<'a> {
    /// Name of the executor that looks.
    pub name: &'a str,
    now: Timestamp,
    peers: Vec<PeerView<'a>>,
}

/// Another executor.
pub struct PeerView<'a> {
    pub name: &'a str,
    pub beats: u64,
    /// Its messages. `None` if it is of a release that does not answer.
    pub talk: Option<TalkView>,
    asks: &'a [Ask],
    seen_at: Timestamp,
    is_dead: bool,
}

/// Messages of another executor.
pub struct TalkView {
    pub asks: HashMap<JobKey, Feeding>,
    /// Its answers to the executor that looks, by the number of the question.
    pub answers: HashMap<u64, Holding>,
}

impl<'a> View<'a> {
    pub fn new(name: &'a str, exchanged: &'a Exchanged, silence: &Silence) -> Self {
        let peers = exchanged.peers.iter().map(|peer| PeerView::new(peer, name, silence)).collect();
        Self { name, now: exchanged.now, peers }
    }

    pub fn living(&self) -> impl Iterator<Item = &PeerView<'a>> {
        self.peers.iter().filter(|peer| !peer.is_dead)
    }

    /// Returns the open questions of the living, with the names of those who ask.
    pub fn asks(&self) -> impl Iterator<Item = (&'a str, &'a Ask)> {
        self.living().flat_map(|peer| peer.asks.iter().map(|ask| (peer.name, ask)))
    }

    /// Returns the numbers of heartbeats of the executors that answer no questions.
    pub fn unanswering(&self) -> HashMap<String, u64> {
        let unanswering = self.peers.iter().filter(|peer| peer.talk.is_none());
        unanswering.map(|peer| (peer.name.to_owned(), peer.beats)).collect()
    }

    /// Returns true if an executor died a short time ago.
    pub fn died_lately(&self) -> bool {
        let lately = self.now - DIED_LATELY;
        self.peers.iter().any(|peer| peer.is_dead && peer.seen_at > lately)
    }
}

impl<'a> PeerView<'a> {
    fn new(peer: &'a Peer, looking: &str, silence: &Silence) -> Self {
        Self {
            name: &peer.name,
            beats: peer.beats,
            talk: peer.talk.as_ref().map(|talk| TalkView::new(talk, looking)),
            asks: peer.talk.as_ref().map(|talk| talk.asks.as_slice()).unwrap_or_default(),
            seen_at: peer.seen_at,
            is_dead: silence.is_dead(&peer.name),
        }
    }
}

impl TalkView {
    fn new(talk: &Talk, looking: &str) -> Self {
        let answers = talk.answers.iter().filter(|answer| answer.to == looking);
        Self {
            asks: talk.asks.iter().map(|ask| (ask.job, Feeding::from(ask))).collect(),
            answers: answers.map(|answer| (answer.number, answer.holding)).collect(),
        }
    }
}
