use std::slice::from_ref;

use jiff::Timestamp;
use runmill_proto::RunId;

use super::{
    Stores,
    world::{answered, at, batch, create, failed, new_run},
};
use crate::{RunRow, Store, Transition, WebhookRow};

const URL: &str = "https://platform.example/hooks?key=1";

/// Creates a run with a webhook. Its jobs are in the queue.
async fn hooked_run(store: &dyn Store, items: u32) -> RunRow {
    let mut row = new_run(store, items).await;
    row.submission.webhook = Some(URL.to_owned());
    create(store, &row).await;
    store.mark_fed(row.id, u64::from(items), &[], at(1)).await.unwrap();
    store.run(row.id).await.unwrap()
}

/// Ends the run at the second `ended` with answers, of which the last one failed.
async fn end(store: &dyn Store, run: &RunRow, ended: i64) {
    let last = u32::try_from(run.total).unwrap() - 1;
    store.write_logs(&batch((0..last).map(|n| answered(run, n))), at(ended)).await.unwrap();
    store.write_logs(&batch([failed(run, last)]), at(ended)).await.unwrap();
}

async fn due(store: &dyn Store, now: Timestamp) -> Vec<RunId> {
    store.due_webhooks(now, 9).await.unwrap().iter().map(|row| row.run_id).collect()
}

pub async fn a_webhook_is_made_with_its_run_and_goes_with_it(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let run = hooked_run(one, 2).await;
    let plain = new_run(one, 1).await;
    create(one, &plain).await;

    let kept = other.webhook(run.id).await.unwrap();

    assert_eq!(kept, Some(WebhookRow::new(run.id, URL.to_owned(), run.created_at)));
    assert_eq!(other.webhook(plain.id).await.unwrap(), None);
    end(one, &run, 2).await;
    one.remove_run(run.id).await.unwrap();
    assert_eq!(other.webhook(run.id).await.unwrap(), None);
}

pub async fn a_webhook_is_due_from_the_end_of_its_run_on(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let (first, second, open) =
        (hooked_run(one, 1).await, hooked_run(one, 1).await, hooked_run(one, 1).await);
    assert_eq!(due(one, at(9)).await, []);

    end(one, &first, 2).await;
    one.transition(second.id, Transition::Cancel, at(2)).await.unwrap();
    one.end_canceled(second.id, at(3), at(3)).await.unwrap();
    one.transition(open.id, Transition::Pause { reason: "later".into() }, at(2)).await.unwrap();

    let mut later = other.webhook(first.id).await.unwrap().unwrap();
    (later.attempts, later.first_at) = (1, Some(at(3)));
    (later.due_at, later.last_error) = (at(8), Some("status 500".into()));
    other.record_webhook(&later).await.unwrap();
    assert_eq!(one.webhook(first.id).await.unwrap().as_ref(), Some(&later));
    assert_eq!(due(one, at(7)).await, [second.id]);
    assert_eq!(due(one, at(8)).await, [second.id, first.id], "the longest due comes first");
    assert_eq!(one.due_webhooks(at(8), 1).await.unwrap().len(), 1);
}

pub async fn what_is_delivered_or_abandoned_is_not_due(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let (delivered, abandoned) = (hooked_run(one, 1).await, hooked_run(one, 1).await);
    for run in [&delivered, &abandoned] {
        end(one, run, 2).await;
    }
    let row = one.webhook(delivered.id).await.unwrap().unwrap();
    let taken = WebhookRow { attempts: 1, first_at: Some(at(3)), delivered_at: Some(at(3)), ..row.clone() };
    one.record_webhook(&taken).await.unwrap();
    let given_up = one.webhook(abandoned.id).await.unwrap().unwrap();
    one.record_webhook(&WebhookRow { abandoned_at: Some(at(3)), ..given_up }).await.unwrap();

    assert_eq!(due(other, at(99)).await, []);

    // Another process that made an attempt at the same time comes too late.
    other.record_webhook(&WebhookRow { attempts: 1, last_error: Some("late".into()), ..row }).await.unwrap();
    assert_eq!(one.webhook(delivered.id).await.unwrap(), Some(taken));
}

pub async fn a_run_that_goes_on_tells_its_next_end_too(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let run = hooked_run(one, 2).await;
    end(one, &run, 2).await;
    let first = one.webhook(run.id).await.unwrap().unwrap();
    let delivered = WebhookRow { attempts: 3, first_at: Some(at(3)), delivered_at: Some(at(4)), ..first };
    one.record_webhook(&delivered).await.unwrap();

    let kinds = std::collections::BTreeSet::new();
    one.transition(run.id, Transition::RetryFailed { kinds }, at(5)).await.unwrap();
    let anew = WebhookRow { ends: 2, ..WebhookRow::new(run.id, URL.to_owned(), at(5)) };
    assert_eq!(other.webhook(run.id).await.unwrap().as_ref(), Some(&anew));
    assert_eq!(due(one, at(9)).await, []);
    // An attempt for the first end that is recorded only now.
    other.record_webhook(&delivered).await.unwrap();
    assert_eq!(one.webhook(run.id).await.unwrap().as_ref(), Some(&anew));

    one.transition(run.id, Transition::Cancel, at(6)).await.unwrap();
    one.end_canceled(run.id, at(7), at(7)).await.unwrap();
    assert_eq!(one.due_webhooks(at(9), 9).await.unwrap(), from_ref(&anew));
}
