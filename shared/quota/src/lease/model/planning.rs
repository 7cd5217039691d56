//! Connects the search with the code that it checks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    lease::{Holding, Leases, Scope, Share},
};
use uuid::Uuid;

use super::{
    Model, Rule,
    executor::{Claim, Row},
};
use crate::lease::{Limit, Limits, Other, State, plan};

impl Model {
    /// Returns the number of slots that others count for an executor with this row.
    pub fn counted(self, row: Row) -> u8 {
        let state = match row.state() {
            State::Open if !self.keeps(Rule::CallsOutliveLeases) => State::Gone,
            state => state,
        };
        let leases = self.leases(row.claim, 0);
        number(Other { name: "other", leases: &leases, state }.counted(&scope(), self.resource))
    }

    /// Returns the share that an executor plans that wants `wants` slots. That the others want none makes its fair share all
    /// that it wants, so that the search does not depend on what is fair.
    pub fn plan(self, own: Claim, wants: u8, counted: u8) -> u8 {
        let limit = if self.has_calls() {
            Limit::concurrency(self.limit.into())
        } else {
            Limit::calls(self.limit.into())
        };
        let limits = Limits::from([(scope(), BTreeMap::from([(self.resource, limit)]))]);
        let others = self.leases(Claim { granted: counted, used: 0 }, 0);
        let others = [Other { name: "other", leases: &others, state: State::Live }];
        let plan = plan(&limits, "own", &self.leases(own, wants), &others, Timestamp::UNIX_EPOCH);
        number(plan.leases[&scope()].resources[&self.resource].granted)
    }

    fn leases(self, Claim { granted, used }: Claim, wants: u8) -> Leases {
        let holding = Holding { granted: granted.into(), used: used.into(), wants: wants.into() };
        let share = Share { resources: [(self.resource, holding)].into(), ..Share::default() };
        Leases::from([(scope(), share)])
    }
}

fn scope() -> Scope {
    Scope::account(ProviderId::from_uuid(Uuid::nil()))
}

fn number(slots: u32) -> u8 {
    u8::try_from(slots).expect("it is within the limit")
}
