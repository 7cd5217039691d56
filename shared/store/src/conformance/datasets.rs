use std::{pin::pin, task::Poll};

use futures::{StreamExt as _, future, stream};
use runmill_proto::{Tenant, api::Dataset, message::JobItem};

use super::{
    Stores,
    world::{assert_conflict, assert_not_found, at, dataset, item, lines, new_dataset},
};
use crate::{StoreError, StoredItem};

pub async fn a_dataset_comes_back_with_its_lines_in_order(stores: &Stores) {
    let store = &stores.one;
    let new = new_dataset("arithmetic");
    // White space and escapes, including a NUL, stay as they were uploaded.
    let items = vec![
        StoredItem { item_id: "q7".into(), body: r#"{"id":"q7"}"#.into() },
        StoredItem { item_id: "äöü".into(), body: "{ \"id\" : \"äöü\" }".into() },
        StoredItem { item_id: "nul".into(), body: r#"{"id":"nul","meta":"\u0000"}"#.into() },
    ];

    let created = store.create_dataset(new.clone(), lines(items.clone())).await.unwrap();

    let want = Dataset {
        id: new.id,
        tenant: new.tenant.clone(),
        name: "arithmetic".into(),
        // printf '%s\n' '{"id":"q7"}' '{ "id" : "äöü" }' '{"id":"nul","meta":"\u0000"}' | sha256sum
        version_hash: "a821cb092a009447f591d10e809f61059c302b855eea635f3c34940377cfdb99".into(),
        item_count: 3,
        created_at: at(0),
    };
    assert_eq!(created, want);
    assert_eq!(stores.other.dataset(new.id).await.unwrap(), want);
    assert_eq!(stores.other.items(new.id, 0, 10).await.unwrap(), items);
}

pub async fn a_bad_line_ends_the_upload_and_nothing_is_stored(stores: &Stores) {
    let store = &stores.one;
    let new = new_dataset("broken");
    let bad = || StoreError::BadLine { line: 3, reason: "not JSON".into() };
    let lines = stream::iter([Ok(item(0)), Ok(item(1)), Err(bad()), Ok(item(3))]).boxed();

    let error = store.create_dataset(new.clone(), lines).await.unwrap_err();

    assert_eq!(error.to_string(), bad().to_string());
    assert_not_found(store.dataset(new.id).await, "dataset");
    assert_eq!(store.datasets(None, None, 10).await.unwrap(), []);
}

pub async fn an_id_that_occurs_twice_is_named_with_its_line(stores: &Stores) {
    let store = &stores.one;
    // Far enough apart to be in different buffers and transactions.
    for line in [2, 3000] {
        let new = new_dataset("repeated");
        let items = (0..line - 1).chain([0]).chain(line..line + 10).map(item);

        let error = store.create_dataset(new.clone(), lines(items)).await.unwrap_err();

        assert!(
            matches!(error, StoreError::BadLine { line: found, .. } if found == u64::from(line)),
            "{error}"
        );
        assert_not_found(store.dataset(new.id).await, "dataset");
    }
    // The same id in another dataset is another item.
    dataset(&**store, 2).await;
    dataset(&**store, 2).await;
}

pub async fn an_empty_dataset_is_refused(stores: &Stores) {
    assert_conflict(stores.one.create_dataset(new_dataset("empty"), lines([])).await);
    assert_eq!(stores.one.datasets(None, None, 10).await.unwrap(), []);
}

pub async fn the_oldest_dataset_with_the_same_content_is_found(stores: &Stores) {
    let store = &stores.one;
    let first = dataset(&**store, 3).await;
    let second = dataset(&**store, 3).await;
    let shorter = dataset(&**store, 2).await;

    assert_eq!(first.version_hash, second.version_hash);
    assert_ne!(first.version_hash, shorter.version_hash);
    assert_eq!(store.dataset_by_hash(&Tenant::default(), &first.version_hash).await.unwrap(), Some(first));
    assert_eq!(store.dataset_by_hash(&Tenant::default(), "none").await.unwrap(), None);
}

pub async fn datasets_are_paged_by_id(stores: &Stores) {
    let store = &stores.one;
    let all = [dataset(&**store, 1).await, dataset(&**store, 2).await, dataset(&**store, 3).await];

    assert_eq!(store.datasets(None, None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.datasets(None, Some(all[1].id), 2).await.unwrap(), all[2..]);
}

pub async fn items_are_paged_by_ordinal(stores: &Stores) {
    let store = &stores.one;
    let id = dataset(&**store, 5).await.id;

    assert_eq!(store.items(id, 0, 2).await.unwrap(), [item(0), item(1)]);
    assert_eq!(store.items(id, 3, 10).await.unwrap(), [item(3), item(4)]);
    assert_eq!(store.items(id, 5, 10).await.unwrap(), []);
}

pub async fn a_dataset_of_many_chunks_is_complete(stores: &Stores) {
    let store = &stores.one;
    let large = |ordinal| StoredItem { body: "x".repeat(600_000), ..item(ordinal) };
    let items: Vec<_> = (0..5_000).map(item).chain((5_000..5_003).map(large)).collect();

    let created = store.create_dataset(new_dataset("large"), lines(items.clone())).await.unwrap();

    assert_eq!(created.item_count, 5_003);
    assert_eq!(store.items(created.id, 0, 10_000).await.unwrap(), items);
}

pub async fn an_abandoned_upload_leaves_nothing(stores: &Stores) {
    let store = &stores.one;
    let new = new_dataset("abandoned");
    let (all_taken, is_all_taken) = tokio::sync::oneshot::channel();
    let mut all_taken = Some(all_taken);
    let silence = stream::poll_fn(move |_| {
        // The store has taken all items and asks for more, but the client sends nothing more.
        all_taken.take().map(|all_taken| all_taken.send(()));
        Poll::Pending
    });
    let lines = stream::iter((0..2_500).map(|ordinal| Ok(item(ordinal)))).chain(silence).boxed();

    {
        let upload = pin!(store.create_dataset(new.clone(), lines));
        future::select(upload, is_all_taken).await;
    }

    assert_not_found(store.dataset(new.id).await, "dataset");
    let again = store.create_dataset(new.clone(), super::world::lines((0..3).map(item))).await.unwrap();
    assert_eq!(store.items(new.id, 0, 10_000).await.unwrap().len() as u64, again.item_count);
}

pub async fn items_above_the_inline_bound_travel_by_reference(stores: &Stores) {
    let store = &stores.one;
    let of_bytes = |ordinal, bytes| StoredItem { body: "ä".repeat(bytes / 2), ..item(ordinal) };
    let max = JobItem::INLINE_MAX_BYTES as usize;
    let items = vec![item(0), of_bytes(1, max), of_bytes(2, max + 2), item(3)];
    let id = store.create_dataset(new_dataset("large items"), lines(items.clone())).await.unwrap().id;

    let inline = |ordinal: usize| JobItem::Inline(items[ordinal].body.clone());
    let want = [inline(0), inline(1), JobItem::Reference(id), inline(3)];
    assert!(store.job_items(id, 0, 10).await.unwrap() == want);
    assert!(store.job_items(id, 1, 2).await.unwrap() == want[1..3]);
}
