use std::{collections::HashMap, time::Duration};

use runmill_store::{Ask, Holding};

use super::{
    Feeding,
    silence::GAP_MAX,
    view::{PeerView, View},
};

/// Longest time for which the answer of a living executor is awaited. It only bounds what a fault of it can do: each
/// answers all questions at its next heartbeat.
const PATIENCE: Duration = Duration::from_mins(1);

/// Question about a possible copy, as long as it is open.
pub struct Question {
    pub number: u64,
    pub feeding: Feeding,
    /// True once a heartbeat had the question, so that the others can have read it.
    pub is_sent: bool,
    /// Sum of the times between the exchanges since it was asked.
    waited: Duration,
    /// Heartbeats, at the first exchange, of the executors of a release that answers no questions. Each has one more
    /// heartbeat to finish what it does.
    unanswering: Option<HashMap<String, u64>>,
}

/// Result of the check of a possible copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No living executor has the job or has done it. `died` is true if an executor died lately, perhaps with it.
    Call { died: bool },
    /// Another executor has the job or has done it.
    Drop,
}

/// Meaning of one other executor for a question.
enum Word {
    /// It has not got the job.
    Clear,
    /// It has the job.
    Taken,
    /// Its answer is missing.
    Missing,
}

impl Question {
    pub fn new(number: u64, feeding: Feeding) -> Self {
        Self { number, feeding, is_sent: false, waited: Duration::ZERO, unanswering: None }
    }

    pub fn ask(&self) -> Ask {
        let Feeding { key, epoch, attempt } = self.feeding;
        Ask { number: self.number, job: key, epoch, attempt }
    }

    /// Applies an exchange that came `gap` after the one before. Returns the verdict, once there is one.
    ///
    /// If several executors wait with copies of one job, all but one drop theirs as soon as they read the question of one
    /// that goes before them. They drop before they answer, so the one that is left hears
    /// [`Holding::Nothing`] of them.
    pub fn decide(&mut self, view: &View<'_>, gap: Duration) -> Option<Verdict> {
        self.waited += gap.min(GAP_MAX);
        let unanswering = self.unanswering.get_or_insert_with(|| view.unanswering());
        let mut missing = false;
        for peer in view.living() {
            let word = match &peer.talk {
                None if unanswering.get(peer.name).is_some_and(|beats| peer.beats > *beats) => Word::Clear,
                None => Word::Missing,
                Some(_) => word_of(peer, self.number, &self.feeding, view.name),
            };
            match word {
                Word::Clear => {}
                Word::Taken => return Some(Verdict::Drop),
                Word::Missing => missing = true,
            }
        }
        (!missing || self.waited >= PATIENCE).then_some(Verdict::Call { died: view.died_lately() })
    }
}

fn word_of(peer: &PeerView<'_>, number: u64, feeding: &Feeding, name: &str) -> Word {
    let theirs = peer.talk.as_ref().and_then(|talk| talk.asks.get(&feeding.key));
    if theirs.is_some_and(|theirs| goes_before(theirs, peer.name, feeding, name)) {
        return Word::Taken;
    }
    match peer.talk.as_ref().and_then(|talk| talk.answers.get(&number)) {
        Some(Holding::Nothing) => Word::Clear,
        Some(Holding::Working | Holding::Done) => Word::Taken,
        Some(Holding::Waiting) | None => Word::Missing,
    }
}

/// Returns true if the first of two executors that wait with copies of one job is the one that goes on.
fn goes_before(first: &Feeding, first_name: &str, second: &Feeding, second_name: &str) -> bool {
    (second.order(), first_name) < (first.order(), second_name)
}
