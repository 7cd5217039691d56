use proptest::prelude::*;

use super::*;

/// A budget in a store, with the arithmetic that the store's conformance suite checks.
#[derive(Default)]
struct Stored {
    taken: u64,
}

impl Stored {
    fn take(&mut self, limit: u64, change: Change) -> (u64, u64) {
        let spent = self.taken.saturating_add_signed(change.spent);
        let granted = change.wanted.min(limit.saturating_sub(spent));
        self.taken = spent + granted;
        (granted, self.taken)
    }
}

fn exchange(purse: &mut Purse, store: &mut Stored, executors: u64, leaves: bool) {
    if let Some(change) = purse.begin_exchange(executors, leaves) {
        let (granted, taken) = store.take(purse.limit, change);
        purse.end_exchange(change, granted, taken);
    }
}

#[test]
fn a_call_waits_for_a_slice_and_a_used_up_budget_is_told_after_two_exchanges() {
    let (mut purse, mut store) = (Purse::new(1), Stored::default());
    assert_eq!(purse.offer(1, Some(1)), Offer::Waits);
    exchange(&mut purse, &mut store, 3, false);
    assert_eq!(purse.offer(1, Some(1)), Offer::Starts(1));
    purse.reserve(1);
    assert_eq!(purse.offer(1, Some(1)), Offer::Waits, "the call may give it back");
    purse.settle(1, Some(1));

    let offers = [(); 3].map(|()| {
        let offer = purse.offer(1, Some(1));
        exchange(&mut purse, &mut store, 3, false);
        offer
    });

    assert_eq!(offers, [Offer::Waits, Offer::Waits, Offer::UsedUp]);
    assert_eq!(purse.offer(2, Some(1)), Offer::Waits, "it was raised");
    exchange(&mut purse, &mut store, 3, false);
    assert_eq!(purse.offer(2, Some(1)), Offer::Starts(1));
}

#[test]
fn the_last_call_may_use_more_than_there_is_and_the_debt_is_paid() {
    let (mut purse, mut store) = (Purse::new(10), Stored::default());
    purse.offer(10, Some(7));
    exchange(&mut purse, &mut store, 1, false);
    assert_eq!(purse.offer(10, Some(9)), Offer::Starts(7), "nothing is open");
    purse.reserve(7);
    purse.settle(7, Some(25));

    exchange(&mut purse, &mut store, 1, false);

    assert_eq!((purse.available, store.taken), (0, 25));
}

#[test]
fn a_first_call_without_an_estimate_goes_alone() {
    let (mut purse, mut store) = (Purse::new(1_000), Stored::default());
    purse.offer(1_000, None);
    exchange(&mut purse, &mut store, 1, false);
    let Offer::Starts(amount) = purse.offer(1_000, None) else { panic!("it waits") };
    purse.reserve(amount);
    assert_eq!(purse.offer(1_000, None), Offer::Waits);

    purse.settle(amount, Some(3));
    purse.learn(3);
    exchange(&mut purse, &mut store, 1, false);

    assert_eq!(purse.offer(1_000, None), Offer::Starts(3));
}

#[test]
fn what_is_not_used_comes_back_after_two_exchanges_or_at_once_when_the_executor_leaves() {
    for leaves in [false, true] {
        let (mut purse, mut store) = (Purse::new(100), Stored::default());
        purse.offer(100, Some(1));
        exchange(&mut purse, &mut store, 1, false);
        assert!(store.taken > 0);
        let mut exchanges = 0;
        while store.taken > 0 {
            exchange(&mut purse, &mut store, 1, leaves);
            exchanges += 1;
        }
        assert_eq!(exchanges, if leaves { 1 } else { 2 });
        exchange(&mut purse, &mut store, 1, leaves);
        assert!(purse.is_spare() || leaves);
    }
}

#[test]
fn a_slice_is_a_part_of_the_rest_and_no_more_than_what_is_used_soon() {
    for (limit, executors, wanted) in [(1_000_000, 3, 10), (48, 3, 4), (8, 3, 1)] {
        let mut purse = Purse::new(limit);
        purse.offer(limit, Some(1));
        assert_eq!(purse.begin_exchange(executors, false).unwrap().wanted, wanted, "{limit}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Start(usize, u64),
    End(usize, u64),
    Exchange(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        4 => (who.clone(), 1..50_u64).prop_map(|(who, estimate)| Step::Start(who, estimate)),
        3 => (who.clone(), 0..80_u64).prop_map(|(who, used)| Step::End(who, used)),
        3 => who.clone().prop_map(Step::Exchange),
        1 => who.prop_map(Step::Leave),
    ]
}

proptest! {
    /// Whatever three executors do, their starts reserve no more than the limit, and the store's sum is at least what was
    /// spent, except for debts that are not told yet.
    #[test]
    fn starts_reserve_no_more_than_the_limit(
        steps in prop::collection::vec(step(), 1..200),
        limit in 1..2_000_u64,
    ) {
        let mut store = Stored::default();
        let mut fleet = [(); 3].map(|()| (Purse::new(limit), Vec::<u64>::new()));
        let (mut spent, mut beyond) = (0_u64, 0_u64);
        for step in steps {
            match step {
                Step::Start(who, estimate) => {
                    let (purse, open) = &mut fleet[who];
                    if let Offer::Starts(amount) = purse.offer(limit, Some(estimate)) {
                        purse.reserve(amount);
                        open.push(amount);
                    }
                }
                Step::End(who, used) => {
                    let (purse, open) = &mut fleet[who];
                    if let Some(amount) = open.pop() {
                        purse.settle(amount, Some(used));
                        spent += used;
                        beyond += used.saturating_sub(amount);
                    }
                }
                Step::Exchange(who) => exchange(&mut fleet[who].0, &mut store, 3, false),
                Step::Leave(who) => exchange(&mut fleet[who].0, &mut store, 3, true),
            }
            let reserved: u64 = fleet.iter().flat_map(|(_, open)| open).sum();
            prop_assert!(spent + reserved <= limit + beyond, "{spent} + {reserved} > {limit} + {beyond}");
            let debts: u64 = fleet.iter().map(|(purse, _)| purse.available.min(0).unsigned_abs()).sum();
            prop_assert!(spent + reserved <= store.taken + debts);
        }
    }
}
