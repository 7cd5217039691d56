use jiff::{SignedDuration, Timestamp};
use runmill_proto::{PauseCause, message::Deferred};

use super::{
    Stores,
    world::{assert_conflict, at, batch, deferred, fed_run},
};
use crate::{RunRow, Slice, Store, Taken, Transition};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn slice(key: &str, limit: u64, wanted: u64) -> Slice {
    Slice { key: key.to_owned(), limit, used_before: 0, spent: 0, wanted }
}

pub async fn slices_are_granted_up_to_the_limit(stores: &Stores) {
    let (one, other) = (&stores.one, &stores.other);
    let first = one.take(&[slice("a", 10, 6), slice("b", 3, 3)], NOW).await.unwrap();
    let second = other.take(&[slice("b", 3, 1), slice("a", 10, 6)], NOW).await.unwrap();
    let raised = one.take(&[slice("a", 15, 9)], NOW).await.unwrap();

    assert_eq!(first, [Taken { granted: 6, taken: 6 }, Taken { granted: 3, taken: 3 }]);
    assert_eq!(second, [Taken { granted: 0, taken: 3 }, Taken { granted: 4, taken: 10 }]);
    assert_eq!(raised, [Taken { granted: 5, taken: 15 }]);
    let keys = ["a", "b", "c"].map(str::to_owned);
    let taken = other.taken(&keys).await.unwrap();
    assert_eq!(taken, [("a".to_owned(), 15), ("b".to_owned(), 3)].into());
}

pub async fn what_comes_back_can_be_taken_and_a_debt_counts_above_the_limit(stores: &Stores) {
    let store = &stores.one;
    store.take(&[slice("a", 10, 10)], NOW).await.unwrap();

    let back = Slice { spent: -4, ..slice("a", 10, 0) };
    assert_eq!(store.take(&[back], NOW).await.unwrap(), [Taken { granted: 0, taken: 6 }]);
    let debt = Slice { spent: 7, ..slice("a", 10, 5) };
    assert_eq!(store.take(&[debt], NOW).await.unwrap(), [Taken { granted: 0, taken: 13 }]);
    let all_back = Slice { spent: -99, ..slice("a", 10, 0) };
    assert_eq!(store.take(&[all_back], NOW).await.unwrap(), [Taken::default()], "never below nothing");
}

pub async fn a_budget_begins_with_what_was_used_before(stores: &Stores) {
    let used = |used_before| Slice { used_before, ..slice("a", 10, 5) };
    let first = stores.one.take(&[used(8)], NOW).await.unwrap();
    let second = stores.other.take(&[used(1)], NOW).await.unwrap();

    assert_eq!(first, [Taken { granted: 2, taken: 10 }]);
    assert_eq!(second, [Taken { granted: 0, taken: 10 }], "it is known by then");
}

pub async fn no_two_takers_get_the_same_slice(stores: &Stores) {
    let tasks = (0..40).map(|n| {
        let store = if n % 2 == 0 { stores.one.clone() } else { stores.other.clone() };
        let slices = [slice("a", 100, 7), slice("b", 50, 7)];
        tokio::spawn(async move { store.take(&slices, NOW).await.unwrap() })
    });
    let (mut of_a, mut of_b) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        let taken = task.await.unwrap();
        of_a += taken[0].granted;
        of_b += taken[1].granted;
    }

    assert_eq!((of_a, of_b), (100, 50));
}

pub async fn budgets_that_are_long_unused_are_forgotten(stores: &Stores) {
    let later = NOW + SignedDuration::from_secs(1);
    stores.one.take(&[slice("old", 10, 1)], NOW).await.unwrap();
    stores.one.take(&[slice("new", 10, 1)], later).await.unwrap();
    stores.one.take(&[slice("tok_1/calls", 10, 1)], NOW).await.unwrap();

    stores.other.forget_budgets(later).await.unwrap();

    let taken = stores.one.taken(&["old", "new", "tok_1/calls"].map(str::to_owned)).await.unwrap();
    assert_eq!(taken, [("new".to_owned(), 1), ("tok_1/calls".to_owned(), 1)].into());
}

pub async fn a_recovered_run_begins_its_budget_anew_with_what_its_calls_have_used(stores: &Stores) {
    let store = &*stores.one;
    let (run, other) = (fed_run(store, 3).await, fed_run(store, 3).await);
    let [lost, kept] = [&run, &other].map(|run| format!("{}/calls", run.id));
    store.take(&[slice(&lost, 10, 9), slice(&kept, 10, 9)], NOW).await.unwrap();

    store.transition(run.id, Transition::Recover, at(2)).await.unwrap();

    let taken = store.taken(&[lost, kept.clone()]).await.unwrap();
    assert_eq!(taken, [(kept, 9)].into());
}

/// Lets a budget pause a run that was never answered.
async fn paused(store: &dyn Store, cause: PauseCause) -> RunRow {
    let run = fed_run(store, 3).await;
    let stop = Deferred { pause: true, pause_cause: Some(cause), ..deferred(&run, 0, at(600)) };
    store.write_logs(&batch([stop]), at(2)).await.unwrap();
    store.run(run.id).await.unwrap()
}

pub async fn a_run_whose_own_budget_is_used_up_goes_on_after_a_change_of_that_budget_alone(stores: &Stores) {
    let store = &*stores.one;
    let run = paused(store, PauseCause::Budget).await;
    assert_eq!((run.paused_at(), run.resume_at()), (Some(at(2)), None));

    let day = Transition::ResumeAfterBudget { cause: PauseCause::DayBudget };
    for other in [Transition::ResumeByItself, Transition::ResumeAfterChange, day] {
        assert_conflict(store.transition(run.id, other, at(3)).await);
    }
    let raised = Transition::ResumeAfterBudget { cause: PauseCause::Budget };
    let resumed = store.transition(run.id, raised, at(3)).await.unwrap();

    assert_eq!((resumed.pause, resumed.resumption.count), (None, 1));
}

pub async fn a_run_whose_providers_day_is_used_up_resumes_by_itself(stores: &Stores) {
    let store = &*stores.one;
    let run = paused(store, PauseCause::DayBudget).await;
    assert_eq!((run.paused_at(), run.resume_at()), (Some(at(2)), Some(at(600))), "though it has no answer");

    assert_conflict(store.transition(run.id, Transition::ResumeAfterChange, at(3)).await);
    let resumed = store.transition(run.id, Transition::ResumeByItself, at(600)).await.unwrap();

    assert_eq!(resumed.pause, None);
}
