use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    api::ExecutorStatus,
    lease::{LaneState, Leases, Scope},
    message::JobKey,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// State and messages of an executor, as it writes them at every heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    pub status: ExecutorStatus,
    pub talk: Talk,
    pub claim: Claim,
}

/// Shares that an executor claims with its heartbeat.
///
/// A claim that renews or shrinks shares is accepted while the executor's lease has not ended. One that grows a share, or
/// renews a lease that has ended, needs a [`Decision`]. A claim that is not accepted changes nothing but the heartbeat.
///
/// A statement can be late: its executor gave up on it, and sent another. So claims are numbered, and a lease counts as ended
/// for its own executor [`COMMIT_TIME`](Self::COMMIT_TIME) earlier than for the others. An executor must not rely on a claim
/// whose answer took longer than that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    /// Number of the claim, from 1, greater than that of each earlier claim of this executor. A claim whose number is less
    /// than that of the last accepted one is not accepted. 0 for a heartbeat without a claim.
    pub number: u64,
    pub leases: Leases,
    /// Time from the acceptance, by the store's clock, until the lease ends.
    pub valid_for: Duration,
    /// Time from the end of the lease until no call can be open that began before it.
    pub open_for: Duration,
    pub decision: Option<Decision>,
    /// Name by which the broker tells if the process is still connected. It is written whether the claim is accepted or not.
    pub presence: Option<String>,
}

impl Claim {
    /// Longest time from the sending of a claim until its answer. It is also the time before the end of a lease in which the
    /// lease is no longer renewed without a decision, so that the renewal is visible before the lease ends for others.
    pub const COMMIT_TIME: Duration = Duration::from_secs(4);

    /// Returns true if the executor holds no slot and uses none. Such a claim takes nothing from others, so it needs no
    /// decision, even if no lease lasts.
    pub fn holds_nothing(&self) -> bool {
        let mut holdings = self.leases.values().flat_map(|share| share.resources.values());
        holdings.all(|holding| holding.granted == 0 && holding.used == 0)
    }
}

/// Decision of an executor by the fleet's state of one version. The store accepts it only if that version is still the
/// newest, so that two executors never take the same free slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub version: u64,
    /// New state of some lanes; the others keep theirs.
    pub lanes: BTreeMap<Scope, LaneState>,
}

/// Shares of all executors, and what they share. It is one consistent snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetState {
    /// Time of the store, not after that of the snapshot. The leases of holders are judged by it.
    pub read_at: Timestamp,
    /// Number of decisions so far, one of this heartbeat included.
    pub version: u64,
    pub lanes: BTreeMap<Scope, LaneState>,
    pub holders: Vec<Holder>,
}

/// An executor with shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    pub name: String,
    pub leases: Leases,
    /// End of its lease, by the store's clock.
    pub valid_until: Timestamp,
    /// Time from which none of its calls can be open any more, unless it has renewed its lease.
    pub open_until: Timestamp,
    /// Name by which the broker tells if the process is still connected.
    pub presence: Option<String>,
}

/// Messages of one executor to the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// Questions that are still open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// Answers to the questions that were open when this executor last read the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// Question to every other executor: do you have this job?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Number of the question, unique at the executor that asks.
    pub number: u64,
    pub job: JobKey,
    /// Pass of the run, and number of the feeding, of the job that may be a copy.
    #[serde(default)]
    pub epoch: u32,
    #[serde(default)]
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Name of the executor that asked.
    pub to: String,
    /// Number of its question.
    pub number: u64,
    pub holding: Holding,
}

/// Relation of an executor to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// It knows nothing of the job.
    Nothing,
    /// It has a possible copy of the job, too, and waits for answers.
    Waiting,
    /// It works on the job.
    Working,
    /// It ended the job, and the broker has confirmed its log.
    Done,
}

/// Another executor, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    /// Time of the store at its last heartbeat.
    pub seen_at: Timestamp,
    /// Number of its heartbeats so far. While it does not grow, the executor may be dead.
    pub beats: u64,
    /// Its messages. `None` if it is of a release that does not answer.
    pub talk: Option<Talk>,
}

/// The answer of the store to a heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchanged {
    /// Time of the store.
    pub now: Timestamp,
    /// Newest term of the feeder; 0 before the first.
    pub term: u64,
    /// All other executors, in no order, the dead ones of the last day included.
    pub peers: Vec<Peer>,
    /// True if the claim was accepted.
    pub accepted: bool,
    /// Shares of the other executors, as they were before this heartbeat, and the lanes as they are after it.
    pub fleet: FleetState,
}

/// Exchange of heartbeats and messages between executors. It goes through the store, because it must work for an
/// executor whose connection to the broker is lost.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Writes the heartbeat under the executor's name, and reads the others, in one statement.
    async fn exchange(&self, beat: &Beat) -> Result<Exchanged, StoreError>;

    /// Deletes the executor, if it exists: it has nothing in hand and asks nothing.
    async fn leave(&self, name: &str) -> Result<(), StoreError>;

    /// Returns false if the executor's process has lost its connection to the store, as when it dies. True if the store
    /// cannot tell, for example behind a pooler.
    async fn is_connected(&self, name: &str) -> Result<bool, StoreError>;

    /// Deletes the executor, whose process is gone, if its lease still ends at `valid_until`. One that has renewed its lease
    /// meanwhile stays.
    async fn remove_dead(&self, name: &str, valid_until: Timestamp) -> Result<(), StoreError>;

    /// Deletes the executors whose last heartbeat was before `before`, and whose calls were at an end before `before`.
    async fn forget_executors(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// Reads the shares of all executors.
#[async_trait]
pub trait FleetReader: Send + Sync {
    /// Returns the store's time and the state of the fleet, with all executors that have shares.
    async fn fleet(&self) -> Result<(Timestamp, FleetState), StoreError>;
}

#[async_trait]
pub trait ExecutorReader: Send + Sync {
    /// Returns the executors whose last heartbeat was at or after `since`, ordered by name.
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError>;
}
