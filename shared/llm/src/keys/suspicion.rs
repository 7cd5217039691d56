use std::sync::Arc;

use tokio::time::Instant;

use super::refusals::Refusal;

/// A refusal that is not explained yet: it may be the fault of the key or of the request.
#[derive(Debug)]
pub(super) struct Suspicion {
    /// Id of the call whose request was refused.
    call: Arc<str>,
    since: Instant,
    /// Number of refusals since the first of them, itself included.
    refusals: u32,
    /// True if another call's request was refused, too.
    is_shared: bool,
}

/// A refusal with what is known of its request and of its key.
pub(super) struct Evidence<'a> {
    /// Id of the call whose request was refused.
    pub call: &'a str,
    /// Start of the refused attempt.
    pub taken: Instant,
    /// Earlier refusals of the same request with the same key.
    pub before: Option<Refusal>,
    /// Start of the latest attempt with the key that the provider accepted.
    pub accepted: Option<Instant>,
    /// True if no other attempt with the key is in flight, which could show that the key is good.
    pub is_alone: bool,
}

/// Fault that a refusal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The key is at fault.
    Key,
    /// The request is at fault: the key works.
    Request,
    /// Either may be at fault.
    Unclear,
}

/// Number of refusals of one request after which it is at fault, if its key has worked before.
const REQUEST_REFUSALS_MAX: u32 = 3;
/// Number of refusals of the only request after which a key that has never worked is at fault.
const KEY_REFUSALS_MAX: u32 = 2;
/// Number of refusals without a success after which a key is at fault, though other attempts are still in flight.
const REFUSALS_IN_A_ROW_MAX: u32 = 10;

impl Suspicion {
    pub fn new(evidence: &Evidence<'_>) -> Self {
        Self { call: evidence.call.into(), since: Instant::now(), refusals: 0, is_shared: false }
    }

    pub fn add(&mut self, evidence: &Evidence<'_>) {
        self.is_shared = evidence.is_of_two_requests(self);
        self.refusals += 1;
    }
}

impl Evidence<'_> {
    /// Judges the refusal. `suspicion` is the first refusal with the key that no success has followed.
    ///
    /// A key is at fault if it is refused for two different requests without a success since the first of them, or if
    /// it never worked and there is only one request. While other attempts are in flight, some of them may succeed,
    /// since a firewall refuses faster than a model answers: they are waited for, unless too many are refused. Of a key
    /// that has worked, an attempt that began before the first refusal shows nothing more.
    pub fn judge(&self, suspicion: Option<&Suspicion>) -> Finding {
        let count = self.before.as_ref().map_or(1, |before| before.count + 1);
        let has_worked = self.accepted.is_some();
        if let (Some(before), Some(accepted)) = (&self.before, self.accepted)
            && accepted > before.last
        {
            return Finding::Request;
        }
        if let Some(suspicion) = suspicion.filter(|suspicion| self.is_of_two_requests(suspicion)) {
            let is_enough = self.is_alone || suspicion.refusals + 1 >= REFUSALS_IN_A_ROW_MAX;
            return if is_enough { Finding::Key } else { Finding::Unclear };
        }
        match has_worked {
            true if count >= REQUEST_REFUSALS_MAX => Finding::Request,
            false if count >= KEY_REFUSALS_MAX && self.is_alone => Finding::Key,
            _ => Finding::Unclear,
        }
    }

    /// Returns true if this refusal and those of the suspicion concern two different requests.
    fn is_of_two_requests(&self, suspicion: &Suspicion) -> bool {
        let is_later = self.accepted.is_none() || self.taken >= suspicion.since;
        suspicion.is_shared || (is_later && &*suspicion.call != self.call)
    }
}
