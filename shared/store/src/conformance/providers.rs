use runmill_proto::{
    ProviderId,
    api::{ProviderKind, ProviderProtocol, RequestOverride, RetryOverride, SettingsOverride},
};
use uuid::Uuid;

use super::{
    Stores,
    world::{assert_conflict, assert_not_found, at, pending_run, provider, secret},
};
use crate::{ProviderRow, SealedSecret, SecretKind, Transition};

pub async fn a_provider_comes_back_as_it_was_stored(stores: &Stores) {
    let row = provider("ours");
    stores.one.create_provider(&row).await.unwrap();

    assert_eq!(stores.other.provider(row.id).await.unwrap(), row);
}

pub async fn what_a_provider_says_for_itself_comes_back(stores: &Stores) {
    let store = &stores.one;
    let request = RequestOverride { idle_timeout_seconds: Some(0.1), ..RequestOverride::default() };
    let retry = RetryOverride { max_retries: Some(0), ..RetryOverride::default() };
    let weighty = SealedSecret { weight: 100, ..secret(SecretKind::ApiKey, "second") };
    let mut row = ProviderRow {
        protocol: Some(ProviderProtocol::OpenaiResponses),
        settings: SettingsOverride { request, retry: retry.clone() },
        ..provider("ours")
    };
    row.secrets.push(weighty.clone());

    store.create_provider(&row).await.unwrap();
    assert_eq!(stores.other.provider(row.id).await.unwrap(), row);
    let owners = store.secrets(None, 10).await.unwrap();
    assert!(owners.iter().any(|owner| owner.secret == weighty), "{owners:?}");

    let update = ProviderRow {
        protocol: None,
        settings: SettingsOverride {
            request: RequestOverride::default(),
            retry: RetryOverride { max_retries: Some(2), ..retry },
        },
        version: 2,
        ..row
    };
    store.update_provider(&update).await.unwrap();
    assert_eq!(stores.other.provider(update.id).await.unwrap(), update);
    assert_eq!(store.providers(None, None, 10).await.unwrap(), [update]);
}

pub async fn a_name_is_taken_once(stores: &Stores) {
    let store = &stores.one;
    store.create_provider(&provider("ours")).await.unwrap();
    let second = provider("second");
    store.create_provider(&second).await.unwrap();

    assert_conflict(store.create_provider(&provider("ours")).await);
    assert_conflict(store.update_provider(&ProviderRow { name: "ours".into(), version: 2, ..second }).await);
}

pub async fn an_update_replaces_the_row_and_its_secrets(stores: &Stores) {
    let store = &stores.one;
    let row = provider("before");
    store.create_provider(&row).await.unwrap();
    let update = ProviderRow {
        name: "after".into(),
        kind: ProviderKind::Custom,
        // One secret stays, at another position, and one is new.
        secrets: vec![secret(SecretKind::ApiKey, "new"), row.secrets[0].clone()],
        version: 2,
        created_at: at(99),
        updated_at: at(5),
        ..row.clone()
    };

    store.update_provider(&update).await.unwrap();

    let want = ProviderRow { created_at: row.created_at, ..update };
    assert_eq!(store.provider(row.id).await.unwrap(), want);
}

pub async fn an_update_of_an_older_version_is_a_conflict(stores: &Stores) {
    let store = &stores.one;
    let row = provider("ours");
    store.create_provider(&row).await.unwrap();

    for version in [1, 3] {
        assert_conflict(store.update_provider(&ProviderRow { version, ..row.clone() }).await);
    }
    assert_not_found(store.update_provider(&provider("never stored")).await, "provider");
    assert_eq!(store.provider(row.id).await.unwrap(), row);
}

pub async fn providers_are_paged_by_id(stores: &Stores) {
    let store = &stores.one;
    let mut rows: Vec<_> = ["a", "b", "c"].into_iter().map(provider).collect();
    rows[1].secrets.clear();
    for row in rows.iter().rev() {
        store.create_provider(row).await.unwrap();
    }

    assert_eq!(store.providers(None, None, 2).await.unwrap(), rows[..2]);
    assert_eq!(store.providers(None, Some(rows[1].id), 2).await.unwrap(), rows[2..]);
}

pub async fn a_deleted_provider_is_gone_with_its_secrets(stores: &Stores) {
    let store = &stores.one;
    let row = provider("ours");
    store.create_provider(&row).await.unwrap();

    store.delete_provider(row.id).await.unwrap();

    assert_not_found(store.provider(row.id).await, "provider");
    assert_not_found(store.delete_provider(row.id).await, "provider");
    assert_eq!(store.secrets(None, 10).await.unwrap(), []);
}

pub async fn a_provider_stays_while_a_run_of_it_has_not_ended(stores: &Stores) {
    let store = &stores.one;
    let run = pending_run(&**store, 1).await;
    assert_conflict(store.delete_provider(run.submission.provider_id).await);

    store.transition(run.id, Transition::Cancel, at(1)).await.unwrap();

    store.delete_provider(run.submission.provider_id).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap().submission.provider_id, run.submission.provider_id);
}

pub async fn secrets_are_paged_by_id(stores: &Stores) {
    let store = &stores.one;
    let (a, b) = (provider("a"), provider("b"));
    store.create_provider(&b).await.unwrap();
    store.create_provider(&a).await.unwrap();

    let mut found = Vec::new();
    let mut after = None;
    while let Some(owner) = store.secrets(after, 1).await.unwrap().pop() {
        after = Some(owner.secret.id);
        found.push((owner.provider_id, owner.secret));
    }

    let of = |row: &ProviderRow| -> Vec<_> { row.secrets.iter().map(|s| (row.id, s.clone())).collect() };
    let mut want: Vec<(ProviderId, _)> = [of(&a), of(&b)].concat();
    want.sort_by_key(|(_, secret)| secret.id);
    assert_eq!(found, want);
}

pub async fn a_secret_is_resealed_only_from_what_it_was(stores: &Stores) {
    let store = &stores.one;
    let row = provider("ours");
    store.create_provider(&row).await.unwrap();
    let id = row.secrets[0].id;

    assert!(!store.reseal(id, b"other", b"new").await.unwrap());
    assert!(!store.reseal(Uuid::now_v7(), &row.secrets[0].sealed, b"new").await.unwrap());
    assert_eq!(store.provider(row.id).await.unwrap(), row);

    assert!(store.reseal(id, &row.secrets[0].sealed, b"new").await.unwrap());
    let resealed = store.provider(row.id).await.unwrap();
    assert_eq!((resealed.version, &resealed.secrets[0].sealed[..]), (2, &b"new"[..]));
    assert_eq!(resealed.secrets[1], row.secrets[1]);
}
