use std::slice::from_ref;

use runmill_proto::{Tenant, api::Dataset};

use super::{
    Stores,
    world::{assert_conflict, create, item, lines, new_dataset, new_run, provider},
};
use crate::{NewDataset, ProviderRow, RunRow, Store};

fn other() -> Tenant {
    "other".parse().unwrap()
}

async fn dataset_of(store: &dyn Store, tenant: Tenant) -> Dataset {
    store.create_dataset(NewDataset { tenant, ..new_dataset("d") }, lines([item(0)])).await.unwrap()
}

async fn run_of(store: &dyn Store, tenant: Tenant, key: &str) -> RunRow {
    let mut row = new_run(store, 1).await;
    row.submission.tenant = tenant;
    row.submission.idempotency_key = Some(key.to_owned());
    create(store, &row).await
}

pub async fn what_belongs_to_a_tenant_says_so(stores: &Stores) {
    let store = &*stores.one;
    let dataset = dataset_of(store, other()).await;
    let run = run_of(store, other(), "k").await;
    let provider = ProviderRow { tenant: other(), shared: true, ..provider("theirs") };
    store.create_provider(&provider).await.unwrap();

    assert_eq!(dataset.tenant, other());
    assert_eq!(stores.other.dataset(dataset.id).await.unwrap(), dataset);
    assert_eq!(stores.other.run(run.id).await.unwrap().submission.tenant, other());
    assert_eq!(stores.other.provider(provider.id).await.unwrap(), provider);

    let update = ProviderRow { tenant: Tenant::default(), shared: false, version: 2, ..provider };
    store.update_provider(&update).await.unwrap();
    let updated = store.provider(update.id).await.unwrap();
    assert_eq!((updated.tenant, updated.shared), (other(), false), "a provider stays with its tenant");
}

pub async fn lists_have_one_tenants_rows_or_all(stores: &Stores) {
    let store = &*stores.one;
    let (first, other) = (Tenant::default(), other());
    let datasets = [
        dataset_of(store, first.clone()).await,
        dataset_of(store, other.clone()).await,
        dataset_of(store, other.clone()).await,
    ];
    let own = &datasets[1..];
    assert_eq!(store.datasets(Some(&other), None, 1).await.unwrap(), own[..1]);
    assert_eq!(store.datasets(Some(&other), Some(own[0].id), 9).await.unwrap(), own[1..]);
    assert_eq!(store.datasets(None, None, 9).await.unwrap(), datasets);
    let hash = &datasets[0].version_hash;
    assert_eq!(store.dataset_by_hash(&other, hash).await.unwrap().as_ref(), Some(&own[0]));
    assert_eq!(store.dataset_by_hash(&"third".parse().unwrap(), hash).await.unwrap(), None);

    let theirs = [run_of(store, other.clone(), "k2").await, run_of(store, other.clone(), "k1").await];
    let ours = run_of(store, first.clone(), "k3").await;
    assert_eq!(store.runs(Some(&other), None, 1).await.unwrap(), [theirs[1].clone()]);
    assert_eq!(store.runs(Some(&other), Some(theirs[1].id), 9).await.unwrap(), [theirs[0].clone()]);
    assert_eq!(store.runs(Some(&first), None, 9).await.unwrap(), from_ref(&ours));
    assert_eq!(store.newest_run_by_key(&other, "k").await.unwrap().as_ref(), Some(&theirs[1]));
    assert_eq!(store.newest_run_by_key(&first, "k").await.unwrap(), Some(ours));
    assert_eq!(store.newest_run_by_key(&first, "k1").await.unwrap(), None);
}

pub async fn a_shared_provider_is_listed_for_every_tenant(stores: &Stores) {
    let store = &*stores.one;
    let (first, other) = (Tenant::default(), other());
    let ours = provider("a");
    let shared = ProviderRow { shared: true, ..provider("b") };
    let theirs = ProviderRow { tenant: other.clone(), ..provider("c") };
    for row in [&ours, &shared, &theirs] {
        store.create_provider(row).await.unwrap();
    }

    assert_eq!(store.providers(Some(&first), None, 9).await.unwrap(), [ours.clone(), shared.clone()]);
    assert_eq!(store.providers(Some(&other), None, 9).await.unwrap(), [shared.clone(), theirs.clone()]);
    assert_eq!(store.providers(Some(&other), Some(shared.id), 9).await.unwrap(), from_ref(&theirs));
    assert_eq!(store.providers(None, None, 9).await.unwrap(), [ours, shared, theirs]);
}

pub async fn names_of_providers_are_taken_in_their_tenant(stores: &Stores) {
    let store = &*stores.one;
    store.create_provider(&provider("same")).await.unwrap();
    let theirs = ProviderRow { tenant: other(), ..provider("same") };
    store.create_provider(&theirs).await.unwrap();

    assert_conflict(store.create_provider(&provider("same")).await);
    assert_conflict(store.create_provider(&ProviderRow { tenant: other(), ..provider("same") }).await);
}
