use std::collections::BTreeMap;

use jiff::Timestamp;
use runmill_proto::lease::{Holding, Leases, Resource, Scope, Share};

use super::{
    Limit, Other,
    seats::{Seat, fair_share},
};

/// Limits of providers' accounts and models. What is not in it is not limited.
pub type Limits = BTreeMap<Scope, BTreeMap<Resource, Limit>>;

/// Shares that an executor claims next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub leases: Leases,
    /// True if a share grows, so that the claim needs a decision. It needs one, too, if the lease has ended.
    pub grows: bool,
}

/// Plans the shares of the executor `name`, whose own leases are `own`, from what all `others` have and want at `now`.
///
/// An executor takes part in the limits that its leases name. It should want at least one slot while it is ready for calls,
/// so that the first starts at once; all that it could use while it is saturated; and none when it ends. Each has what it
/// wants, up to the max-min fair share. A share shrinks at once, and grows by the slots that nobody else counts as used. So
/// what one executor gives back with an exchange, another has with its next.
///
/// After the end of the executor's lease, its own leases must say that nothing is granted, since others may have it now.
///
/// All executors should plan by the same limits. While a changed limit is on its way to some, the older one holds for them.
pub fn plan(limits: &Limits, name: &str, own: &Leases, others: &[Other<'_>], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for (scope, share) in own {
        let limits = limits.get(scope).into_iter().flatten();
        let seats = seats(name, share, others, scope);
        let resources: BTreeMap<_, _> = limits
            .map(|(&resource, limit)| {
                let holding = share.resources.get(&resource).copied().unwrap_or_default();
                let turn = turn(limit, now);
                let fair = |slots| fair_share(name, slots, resource, &seats, turn);
                let granted = grant(limit.slots(), &holding, Counts::of(others, scope, resource), fair);
                plan.grows |= granted > holding.granted;
                (resource, Holding { granted, ..holding })
            })
            .collect();
        plan.leases.insert(scope.clone(), Share { resources, ..share.clone() });
    }
    plan
}

/// Slots that others may be using.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// Slots of all other executors.
    all: u32,
    /// Slots of executors whose lease has ended. They are not to be divided.
    ended: u32,
}

impl Counts {
    fn of(others: &[Other<'_>], scope: &Scope, resource: Resource) -> Self {
        let mut counts = Self { all: 0, ended: 0 };
        for other in others {
            let counted = other.counted(scope, resource);
            counts.all = counts.all.saturating_add(counted);
            if other.has_ended() {
                counts.ended = counts.ended.saturating_add(counted);
            }
        }
        counts
    }
}

/// Returns the new number of granted slots.
fn grant(limit: u32, own: &Holding, counts: Counts, fair: impl FnOnce(u32) -> u32) -> u32 {
    let fair = fair(limit.saturating_sub(counts.ended));
    let free = limit.saturating_sub(counts.all);
    fair.min(own.granted.max(free))
}

/// Returns the executors that can use a share of the scope.
fn seats<'a>(name: &'a str, own: &'a Share, others: &[Other<'a>], scope: &Scope) -> Vec<Seat<'a>> {
    let others =
        others.iter().filter_map(|other| Some(Seat { name: other.name, share: other.live_share(scope)? }));
    others.chain([Seat { name, share: own }]).collect()
}

fn turn(limit: &Limit, now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0) / limit.turn().as_secs().max(1)
}
