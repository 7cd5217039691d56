use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use runmill_proto::{
    ProviderId,
    lease::{Holding, Leases, Resource, Scope, Share},
};
use uuid::Uuid;

use super::{Limit, Limits, Other, Plan, State, plan};

fn scope() -> Scope {
    Scope::account(ProviderId::from_uuid(Uuid::nil()))
}

fn limits(slots: u32) -> Limits {
    Limits::from([(scope(), [(Resource::Concurrency, Limit::concurrency(slots))].into())])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An executor with one share, which uses its slots for all the calls that it has.
#[derive(Clone, Debug)]
struct Executor {
    name: String,
    granted: u32,
    used: u32,
    wants: u32,
    calls: u32,
    state: State,
}

impl Executor {
    /// Returns an executor with as many calls as it wants slots.
    fn new(name: &str, granted: u32, wants: u32) -> Self {
        let (name, used) = (name.to_owned(), granted.min(wants));
        Self { name, granted, used, wants, calls: wants, state: State::Live }
    }

    /// Returns an executor that is ready for calls and has none.
    fn idle(name: &str, granted: u32) -> Self {
        Self { used: 0, calls: 0, ..Self::new(name, granted, 1) }
    }

    fn leases(&self, resource: Resource) -> Leases {
        let holding = Holding { granted: self.granted, used: self.used, wants: self.wants };
        let share = Share {
            resources: [(resource, holding)].into(),
            waiting: self.calls.saturating_sub(self.used),
            ..Share::default()
        };
        [(scope(), share)].into()
    }

    fn take(&mut self, granted: u32) {
        self.granted = granted;
        self.used = self.used.max(granted.min(self.calls));
    }

    fn end_calls_above_the_grant(&mut self) {
        self.used = self.used.min(self.granted);
    }

    fn counted(&self) -> u32 {
        self.granted.max(self.used)
    }
}

fn plan_of(own: usize, executors: &[Executor], slots: u32, second: i64) -> Plan {
    let leases: Vec<_> = executors.iter().map(|executor| executor.leases(Resource::Concurrency)).collect();
    let others: Vec<_> = (0..executors.len())
        .filter(|&other| other != own)
        .map(|other| Other {
            name: &executors[other].name,
            leases: &leases[other],
            state: executors[other].state,
        })
        .collect();
    plan(&limits(slots), &executors[own].name, &leases[own], &others, at(second))
}

fn granted(plan: &Plan) -> u32 {
    plan.leases[&scope()].resources[&Resource::Concurrency].granted
}

/// Lets each executor exchange twice, so that what one gives back has reached the others.
fn settle(executors: &mut [Executor], slots: u32, second: i64) {
    for _ in 0..2 {
        for own in 0..executors.len() {
            if executors[own].state != State::Live {
                continue;
            }
            let new = granted(&plan_of(own, executors, slots, second));
            executors[own].take(new);
        }
        executors.iter_mut().for_each(Executor::end_calls_above_the_grant);
    }
}

fn grants(executors: &[Executor]) -> Vec<u32> {
    executors.iter().map(|executor| executor.granted).collect()
}

#[test]
fn an_executor_that_is_alone_has_what_it_wants_up_to_the_limit() {
    for (wants, expected) in [(0, 0), (3, 3), (99, 8)] {
        let plan = plan_of(0, &[Executor::new("a", 0, wants)], 8, 0);
        assert_eq!((granted(&plan), plan.grows), (expected, expected > 0), "{wants}");
    }
}

#[test]
fn slots_are_free_for_others_when_no_call_uses_them_any_more() {
    let mut executors = [Executor::new("a", 8, 99), Executor::new("b", 0, 99)];

    let shrunk = plan_of(0, &executors, 8, 0);
    assert_eq!((granted(&shrunk), shrunk.grows), (4, false));
    executors[0].take(4);
    assert_eq!(granted(&plan_of(1, &executors, 8, 0)), 0, "eight calls are in flight");
    executors[0].used = 6;
    assert_eq!(granted(&plan_of(1, &executors, 8, 0)), 2);
    executors[0].used = 4;

    let grown = plan_of(1, &executors, 8, 0);
    assert_eq!((granted(&grown), grown.grows), (4, true));
}

#[test]
fn an_executor_whose_lease_has_ended_counts_its_calls_and_not_its_rates() {
    let dead = Executor::new("a", 6, 99);
    let own = Executor::new("b", 0, 99);
    for (resource, state, expected) in [
        (Resource::Concurrency, State::Live, 2),
        (Resource::Concurrency, State::Open, 2),
        (Resource::Concurrency, State::Gone, 8),
        (Resource::CallsPerSecond, State::Live, 2),
        (Resource::CallsPerSecond, State::Open, 8),
    ] {
        let limits = Limits::from([(scope(), [(resource, Limit::calls(8.0))].into())]);
        let leases = dead.leases(resource);
        let others = [Other { name: "a", leases: &leases, state }];

        let plan = plan(&limits, "b", &own.leases(resource), &others, at(0));

        assert_eq!(plan.leases[&scope()].resources[&resource].granted, expected, "{resource} {state:?}");
    }
}

#[test]
fn an_idle_executor_gives_back_all_but_one_slot() {
    let mut executors = [Executor::idle("a", 4), Executor::new("b", 4, 99)];

    settle(&mut executors, 8, 0);

    assert_eq!(grants(&executors), [1, 7]);
}

#[test]
fn the_only_slot_stays_with_the_one_that_works() {
    let mut executors = [Executor::idle("a", 0), Executor::new("b", 1, 9), Executor::idle("c", 0)];
    for second in 0..100 {
        settle(&mut executors, 1, second);
        assert_eq!(grants(&executors), [0, 1, 0], "{second}");
    }
}

#[test]
fn an_idle_executor_gives_the_only_slot_to_one_that_waits() {
    let mut executors = [Executor::idle("a", 1), Executor::idle("b", 0), Executor::new("c", 0, 1)];

    settle(&mut executors, 1, 0);

    assert_eq!(grants(&executors), [0, 0, 1]);
}

#[test]
fn executors_that_wait_for_the_only_slots_have_them_in_turn() {
    let mut executors: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| Executor::new(name, 0, 9)).into();
    let mut seconds = [0; 5];
    for second in 0..500 {
        settle(&mut executors, 2, second);
        for (seconds, granted) in seconds.iter_mut().zip(grants(&executors)) {
            *seconds += granted;
        }
    }
    assert_eq!(seconds, [200; 5]);
}

#[test]
fn a_lowered_limit_shrinks_shares_and_a_removed_one_drops_them() {
    let mut executors = [Executor::new("a", 4, 99), Executor::new("b", 4, 99)];
    settle(&mut executors, 3, 0);
    assert_eq!(grants(&executors), [2, 1]);

    let own = executors[0].leases(Resource::Concurrency);
    let plan = plan(&Limits::new(), "a", &own, &[], at(0));

    assert!(!plan.grows);
    let share = Share { resources: BTreeMap::new(), ..own[&scope()].clone() };
    assert_eq!(plan.leases, Leases::from([(scope(), share)]), "what it waits for is still told");
}

#[test]
fn a_state_is_that_of_the_time_of_the_store() {
    for (second, state) in [(9, State::Live), (10, State::Open), (19, State::Open), (20, State::Gone)] {
        assert_eq!(State::at(at(second), at(10), at(20)), state, "{second}");
    }
}

/// Executors in any state that the rules allow: what all use is within the limit, or was within a greater one.
fn fleet() -> impl Strategy<Value = (u32, Vec<Executor>)> {
    let executor = (0_u32..20, 0_u32..40, 0_u32..40, 0_u32..40);
    (1_u32..40, prop::collection::vec(executor, 1..9)).prop_map(|(slots, executors)| {
        let mut free = slots;
        let executors = executors.into_iter().enumerate().map(|(number, (granted, used, wants, calls))| {
            let (granted, used) = (granted.min(free), used.min(free));
            free -= granted.max(used);
            let state = if number > 0 && wants % 5 == 4 { State::Open } else { State::Live };
            Executor { name: format!("e{number}"), granted, used, wants, calls, state }
        });
        let executors = executors.collect();
        (slots, executors)
    })
}

proptest! {
    #[test]
    fn what_all_may_use_is_never_above_the_limit(
        (slots, mut executors) in fleet(),
        turns in prop::collection::vec((0_usize..9, 0_u32..40, 0_i64..60), 1..40),
    ) {
        for (own, wants, second) in turns {
            let own = own % executors.len();
            if executors[own].state != State::Live {
                continue;
            }
            executors[own].wants = wants;
            let plan = plan_of(own, &executors, slots, second);
            prop_assert_eq!(plan.grows, granted(&plan) > executors[own].granted);
            executors[own].take(granted(&plan));
            prop_assert!(executors.iter().map(Executor::counted).sum::<u32>() <= slots, "{:?}", executors);
            executors[own].end_calls_above_the_grant();
        }
    }

    #[test]
    fn all_that_is_wanted_is_granted_fairly((slots, mut executors) in fleet(), second in 0_i64..60) {
        settle(&mut executors, slots, second);

        let live: Vec<_> = executors.iter().filter(|executor| executor.state == State::Live).collect();
        let ended: u32 = executors.iter().map(Executor::counted).sum::<u32>()
            - live.iter().map(|executor| executor.counted()).sum::<u32>();
        let wanted: u32 = live.iter().map(|executor| executor.wants).sum();
        let granted: u32 = live.iter().map(|executor| executor.granted).sum();
        prop_assert_eq!(granted, wanted.min(slots - ended), "{:?}", executors);
        let short = live.iter().filter(|executor| executor.granted < executor.wants);
        if let Some(least) = short.map(|executor| executor.granted).min() {
            prop_assert!(live.iter().all(|executor| executor.granted <= least + 1), "{:?}", executors);
        }
    }
}
