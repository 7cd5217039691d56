//! Exhaustive search of the sequences of events in which executors might together exceed a limit.
//!
//! Time passes in ticks, between which anything may happen in any order: an executor may take a step or none, so it may be
//! frozen, dead, or not have joined; a statement may reach the store, and its answer the executor, at any time or never. An
//! executor that gave up on a statement sends another, and the first may still arrive later. All rules together make a state
//! above the limit unreachable; without any one of them, the search finds one.

mod executor;
mod planning;
mod search;
mod world;

use runmill_proto::lease::Resource;

use search::{Found, search};
use world::World;

/// Rules on which the limits rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The store accepts only a decision of the newest version.
    OnlyTheNewestDecision,
    /// A lease that has ended is renewed only by a decision.
    NoRenewalAfterTheEnd,
    /// A lease is not renewed without a decision in its last moments, when the renewal could become visible after its end.
    NoRenewalAtTheEnd,
    /// A claim does not replace a later one.
    InOrder,
    /// An executor whose lease has ended counts until its calls are at an end.
    CallsOutliveLeases,
    /// Slots in use count, though they are above the share.
    UsedCounts,
    /// A share grows only when the claim was accepted.
    GrowAfterAcceptance,
    /// The executor's lease begins when it sends the claim, not when it has the answer.
    LeaseFromSending,
    /// The executor does not rely on an answer that took too long.
    LateAnswersAreIgnored,
}

/// Limit and rules of one search.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub resource: Resource,
    pub limit: u8,
    pub broken: Option<Rule>,
}

impl Model {
    const fn new(resource: Resource, limit: u8) -> Self {
        Self { resource, limit, broken: None }
    }

    pub fn keeps(self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    pub const fn has_calls(self) -> bool {
        matches!(self.resource, Resource::Concurrency)
    }
}

const CALLS: Model = Model::new(Resource::Concurrency, 1);
const RATE: Model = Model::new(Resource::CallsPerSecond, 1);

fn assert_holds<const N: usize>(model: Model, at_least: usize) {
    match search::<N>(model) {
        Found::Nothing { states } => assert!(states > at_least, "only {states} states"),
        Found::Excess(events) => panic!("the limit is exceeded:\n{}", events.join("\n")),
    }
}

fn assert_breaks(model: Model, rule: Rule) {
    let found = search::<2>(Model { broken: Some(rule), ..model });
    assert!(matches!(found, Found::Excess(_)), "nothing depends on {rule:?}: {found:?}");
}

#[test]
fn calls_in_flight_are_never_above_the_limit() {
    assert_holds::<2>(CALLS, 100_000);
}

#[test]
fn rates_are_never_above_the_limit() {
    assert_holds::<2>(RATE, 100_000);
}

macro_rules! each_rule_is_needed {
    ($($name:ident: $rule:ident of $model:expr,)+) => { $(
        #[test]
        fn $name() {
            assert_breaks($model, Rule::$rule);
        }
    )+ };
}

each_rule_is_needed! {
    an_old_decision_is_found: OnlyTheNewestDecision of CALLS,
    a_renewal_after_the_end_is_found: NoRenewalAfterTheEnd of RATE,
    a_renewal_at_the_end_is_found: NoRenewalAtTheEnd of RATE,
    a_claim_that_replaces_a_later_one_is_found: InOrder of RATE,
    calls_of_an_ended_lease_that_do_not_count_are_found: CallsOutliveLeases of CALLS,
    calls_above_the_share_that_do_not_count_are_found: UsedCounts of CALLS,
    a_share_that_grows_too_early_is_found: GrowAfterAcceptance of CALLS,
    a_lease_from_the_answer_is_found: LeaseFromSending of RATE,
    a_late_answer_that_counts_is_found: LateAnswersAreIgnored of RATE,
}
