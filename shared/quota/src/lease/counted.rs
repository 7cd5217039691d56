use jiff::Timestamp;
use runmill_proto::lease::{Leases, Resource, Scope, Share};

/// Another executor, as the store knows it.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    pub name: &'a str,
    pub leases: &'a Leases,
    pub state: State,
}

/// State of an executor's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The lease has not ended.
    Live,
    /// The lease has ended, but calls may be open which began before. The executor may be dead or frozen.
    Open,
    /// No call can be open any more.
    Gone,
}

impl State {
    /// Returns the state at `now`, which is a time of the store that is not after the one at which the lease was read.
    pub fn at(now: Timestamp, valid_until: Timestamp, open_until: Timestamp) -> Self {
        match () {
            () if now < valid_until => Self::Live,
            () if now < open_until => Self::Open,
            () => Self::Gone,
        }
    }
}

impl<'a> Other<'a> {
    /// Returns the number of slots that this executor may be using, so that nobody else may.
    ///
    /// No call starts after the end of a lease, so its rates are free then; slots of calls in flight are not.
    pub(super) fn counted(&self, scope: &Scope, resource: Resource) -> u32 {
        let Some(holding) = self.share(scope).and_then(|share| share.resources.get(&resource)) else {
            return 0;
        };
        match (self.state, resource) {
            (State::Live, _) | (State::Open, Resource::Concurrency) => holding.granted.max(holding.used),
            (State::Open | State::Gone, _) => 0,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state != State::Live
    }

    /// Returns the share of an executor that can still use one.
    pub(super) fn live_share(&self, scope: &Scope) -> Option<&'a Share> {
        self.share(scope).filter(|_| !self.has_ended())
    }

    fn share(&self, scope: &Scope) -> Option<&'a Share> {
        self.leases.get(scope)
    }
}
