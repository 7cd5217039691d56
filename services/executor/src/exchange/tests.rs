//! Explores what several executors do with copies of one job, in any order of deliveries, exchanges, ends and deaths.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use proptest::prelude::*;
use runmill_proto::testing;
use runmill_store::{Exchanged, FleetState, Peer, Talk};
use tokio::time::Instant;

use super::{Ended, Feeding, Verdict, core::Core, memory::Claim};

const POLL: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_millis(10);

#[derive(Clone, Debug)]
enum Action {
    /// The broker delivers the job as an ordinary one, which happens once.
    First(usize),
    /// The broker delivers it as a possible copy.
    Copy(usize),
    /// The store takes a heartbeat, and reads the others.
    Write(usize),
    /// The executor receives what the store read.
    Read(usize),
    /// The log of the call is confirmed.
    Finish(usize),
    Die(usize),
    /// Every living executor exchanges once, half a second after the last time.
    Round,
}

struct Node {
    name: String,
    core: Core<u32>,
    is_alive: bool,
    is_working: bool,
    /// The store's answer that is on its way.
    read: Option<Exchanged>,
}

struct World {
    nodes: Vec<Node>,
    rows: BTreeMap<String, (u64, Talk)>,
    deliveries: u32,
    /// True once the job was delivered as an ordinary one.
    was_first: bool,
    /// Executors that called the provider, in order.
    callers: Vec<usize>,
    now: Instant,
}

fn exchanged(term: u64, peers: Vec<Peer>) -> Exchanged {
    let fleet = FleetState::default();
    Exchanged { now: Timestamp::UNIX_EPOCH, term, peers, accepted: true, fleet }
}

fn feeding() -> Feeding {
    Feeding { key: testing::key(1), epoch: 0, attempt: 0 }
}

impl World {
    fn new(nodes: usize) -> Self {
        let node = |n| Node {
            name: format!("node {n}"),
            core: Core::new(format!("node {n}")),
            is_alive: true,
            is_working: false,
            read: None,
        };
        let mut world = Self {
            nodes: (0..nodes).map(node).collect(),
            rows: BTreeMap::new(),
            deliveries: 0,
            was_first: false,
            callers: Vec::new(),
            now: Instant::now(),
        };
        world.round();
        world
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::First(n) if self.nodes[n].is_alive && !std::mem::replace(&mut self.was_first, true) => {
                self.deliver(n, false);
            }
            Action::Copy(n) if self.nodes[n].is_alive => self.deliver(n, true),
            Action::Write(n) if self.nodes[n].is_alive => self.write(n),
            Action::Read(n) if self.nodes[n].is_alive => self.read(n, Duration::ZERO),
            Action::Finish(n) if self.nodes[n].is_alive && self.nodes[n].is_working => self.finish(n),
            Action::Die(n) => self.nodes[n].is_alive = false,
            Action::Round => self.round(),
            _ => {}
        }
    }

    fn deliver(&mut self, n: usize, says_copy: bool) {
        self.deliveries += 1;
        let node = &mut self.nodes[n];
        let is_copy = says_copy || node.core.memory.was_asked(&feeding().key, self.now);
        match node.core.memory.claim(feeding(), self.deliveries, self.now) {
            Claim::New if is_copy => {
                node.core.ask(feeding());
            }
            Claim::New => self.call(n),
            Claim::Replaced(_) | Claim::Stale(_) => {}
            Claim::Ending(_) => panic!("nothing is deferred"),
        }
    }

    fn call(&mut self, n: usize) {
        let earlier = self.callers.iter().find(|earlier| self.nodes[**earlier].is_alive);
        assert_eq!(earlier, None, "called twice, the second time by {n}");
        self.callers.push(n);
        self.nodes[n].is_working = true;
    }

    fn write(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let talk = node.core.talk(self.now);
        let row = self.rows.entry(node.name.clone()).or_default();
        *row = (row.0 + 1, talk);
        let peers = self.rows.iter().filter(|(name, _)| **name != node.name);
        let peers = peers.map(|(name, (beats, talk))| Peer {
            name: name.clone(),
            seen_at: Timestamp::UNIX_EPOCH,
            beats: *beats,
            talk: Some(talk.clone()),
        });
        node.read = Some(exchanged(0, peers.collect()));
    }

    fn read(&mut self, n: usize, gap: Duration) {
        let Some(exchanged) = self.nodes[n].read.take() else { return };
        for (_, verdict) in self.nodes[n].core.hear(&exchanged, gap, SOON).verdicts {
            match verdict {
                Verdict::Call { .. } => self.call(n),
                Verdict::Drop => {
                    self.nodes[n].core.memory.end(&feeding().key, None, self.now);
                }
            }
        }
    }

    fn finish(&mut self, n: usize) {
        self.nodes[n].core.memory.end(&feeding().key, Some(Ended::Finally), self.now);
        self.nodes[n].is_working = false;
    }

    fn round(&mut self) {
        for n in 0..self.nodes.len() {
            if self.nodes[n].is_alive {
                self.write(n);
                self.read(n, POLL);
            }
        }
    }

    /// Lets time pass until every question has its verdict and every dead executor is known to be dead.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.round();
        }
        for node in self.nodes.iter().filter(|node| node.is_alive) {
            assert!(!node.core.is_asking(), "{} still asks", node.name);
        }
    }
}

fn actions(nodes: usize) -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        2 => (0..nodes).prop_map(Action::First),
        4 => (0..nodes).prop_map(Action::Copy),
        6 => (0..nodes).prop_map(Action::Write),
        6 => (0..nodes).prop_map(Action::Read),
        1 => (0..nodes).prop_map(Action::Finish),
        1 => (0..nodes).prop_map(Action::Die),
        2 => Just(Action::Round),
    ];
    prop::collection::vec(action, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_living_executor_at_most_calls(nodes in 2_usize..=4, seed in actions(4)) {
        let mut world = World::new(nodes);
        for action in &seed {
            if touches(action).is_none_or(|n| n < nodes) {
                world.act(action);
            }
        }
        world.settle();

        // A job that was lost is fed again, and one executor calls it or has done it.
        if let Some(living) = (0..nodes).find(|n| world.nodes[*n].is_alive) {
            world.deliver(living, true);
            world.settle();
            prop_assert!(world.callers.iter().any(|n| world.nodes[*n].is_alive));
        }
    }
}

fn touches(action: &Action) -> Option<usize> {
    match *action {
        Action::First(n)
        | Action::Copy(n)
        | Action::Write(n)
        | Action::Read(n)
        | Action::Finish(n)
        | Action::Die(n) => Some(n),
        Action::Round => None,
    }
}

/// Returns an executor that waits with a copy, and has told so.
fn waiting() -> World {
    let mut world = World::new(2);
    world.deliver(1, true);
    world.write(1);
    world.read(1, POLL);
    world
}

#[test]
fn a_copy_is_called_when_the_others_have_answered() {
    let mut world = waiting();
    assert!(world.callers.is_empty(), "there is no answer yet");
    world.round();
    world.round();
    assert_eq!(world.callers, [1]);
}

#[test]
fn a_copy_waits_for_a_silent_executor_only_until_it_counts_as_dead() {
    let mut world = waiting();
    world.nodes[0].is_alive = false;
    let polls = (1..100).find(|_| {
        world.round();
        !world.callers.is_empty()
    });
    assert_eq!(polls, Some(9), "with the one before, five seconds since its last heartbeat was seen");
}

#[test]
fn an_answer_that_took_long_starts_no_call() {
    let mut world = waiting();
    world.write(0);
    world.read(0, POLL);
    world.write(0);
    world.write(1);
    let exchanged = world.nodes[1].read.take().unwrap();
    let frozen = Duration::from_secs(40);
    assert!(world.nodes[1].core.hear(&exchanged, POLL, frozen).verdicts.is_empty());
    assert_eq!(world.nodes[1].core.hear(&exchanged, POLL, SOON).verdicts.len(), 1);
}

#[test]
fn an_executor_of_a_release_that_does_not_answer_has_one_more_heartbeat() {
    let mut core: Core<()> = Core::new("new".into());
    core.memory.claim(feeding(), (), Instant::now());
    core.ask(feeding());
    let peer = |beats| Peer { name: "old".into(), seen_at: Timestamp::UNIX_EPOCH, beats, talk: None };
    let mut hear = |beats| {
        core.talk(Instant::now());
        let exchanged = exchanged(0, vec![peer(beats)]);
        core.hear(&exchanged, POLL, SOON).verdicts
    };

    assert!(hear(7).is_empty() && hear(7).is_empty());
    assert_eq!(hear(8), [(0, Verdict::Call { died: false })]);
}

#[test]
fn a_job_of_an_old_term_may_be_a_copy() {
    let mut core: Core<()> = Core::new("one".into());
    assert!(!core.is_of_old_term(0) && !core.is_of_old_term(3), "no newer one was seen");
    assert!(core.is_of_old_term(2), "a newer one was seen");
    core.hear(&exchanged(4, Vec::new()), POLL, SOON);
    assert!(core.is_of_old_term(3) && !core.is_of_old_term(4));
    assert!(core.is_of_old_term(0), "a feeder of a release without terms may lead beside one with them");
}

#[test]
fn a_question_that_no_heartbeat_had_gets_no_verdict() {
    let mut core: Core<()> = Core::new("one".into());
    core.memory.claim(feeding(), (), Instant::now());
    core.talk(Instant::now());
    core.ask(feeding());
    let alone = exchanged(0, Vec::new());
    assert!(core.hear(&alone, POLL, SOON).verdicts.is_empty());

    core.talk(Instant::now());
    assert_eq!(core.hear(&alone, POLL, SOON).verdicts.len(), 1);
}

#[test]
fn an_outage_of_the_store_counts_as_no_wait_for_an_answer() {
    let mut core: Core<()> = Core::new("one".into());
    core.memory.claim(feeding(), (), Instant::now());
    core.ask(feeding());
    core.talk(Instant::now());
    let talk = Some(Talk::default());
    let peers = vec![Peer { name: "two".into(), seen_at: Timestamp::UNIX_EPOCH, beats: 1, talk }];
    let silent = exchanged(0, peers);

    assert!(core.hear(&silent, Duration::from_mins(10), SOON).verdicts.is_empty());
}
