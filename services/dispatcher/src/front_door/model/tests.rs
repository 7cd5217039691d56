use jiff::Timestamp;
use runmill_config::Role;
use runmill_proto::{
    ProviderId, Tenant,
    api::{Capabilities, ProviderKind, RateLimit, SettingsOverride},
};
use runmill_store::{ProviderWriter as _, sqlite::SqliteStore};
use serde_json::json;
use uuid::Uuid;

use super::*;

fn provider(name: &str, rate_limit: serde_json::Value) -> ProviderRow {
    let rate_limit: RateLimit = serde_json::from_value(rate_limit).unwrap();
    ProviderRow {
        id: ProviderId::from_uuid(Uuid::now_v7()),
        tenant: Tenant::default(),
        shared: false,
        name: name.into(),
        kind: ProviderKind::Custom,
        protocol: None,
        base_url: "http://127.0.0.1:9".into(),
        proxy: None,
        secrets: Vec::new(),
        capabilities: Capabilities::default(),
        rate_limit,
        settings: SettingsOverride::default(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn chosen(providers: &[ProviderRow], name: &str) -> Result<(String, String), String> {
    let caller = Caller::of_environment(Role::Submit);
    let chosen = choose(&caller, providers.to_vec(), name).map_err(|error| error.to_string())?;
    Ok((chosen.provider.name, chosen.model))
}

#[test]
fn an_own_provider_goes_before_those_that_others_share() {
    let shared = |tenant: &str| ProviderRow {
        tenant: tenant.parse().unwrap(),
        shared: true,
        ..provider("acct", json!({}))
    };
    let own = ProviderRow { shared: true, ..provider("acct", json!({})) };
    let strangers = [shared("one"), shared("two")];
    let caller = Caller::of_environment(Role::Submit);
    let all = [own.clone(), strangers[0].clone(), strangers[1].clone()];
    for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0]] {
        let found = choose(&caller, order.map(|place| all[place].clone()).to_vec(), "acct/m").unwrap();
        assert_eq!(found.provider.id, own.id, "{order:?}");
    }
    assert_eq!(choose(&caller, vec![strangers[0].clone()], "acct/m").unwrap().provider.id, strangers[0].id);
    let error = choose(&caller, strangers.to_vec(), "acct/m").unwrap_err();
    assert!(matches!(error, UnknownModel::OfSeveral(_)), "{error}");
}

#[test]
fn a_name_with_a_provider_in_front_is_a_model_there() {
    let providers = [provider("ours", json!({})), provider("ours/eu", json!({}))];
    for (name, want) in [
        ("ours/m", ("ours", "m")),
        ("ours/eu/m", ("ours/eu", "m")),
        ("ours/org/m", ("ours", "org/m")),
        ("ours/eu/", ("ours", "eu/")),
    ] {
        assert_eq!(chosen(&providers, name), Ok((want.0.into(), want.1.into())), "{name}");
    }
}

#[test]
fn a_bare_name_needs_a_single_provider_that_comes_into_question() {
    let limited = provider("limited", json!({"models": {"m": {"rpm": 5}}}));
    let providers = [limited.clone(), provider("other", json!({}))];
    assert_eq!(chosen(&[limited], "org/n"), Ok(("limited".into(), "org/n".into())));
    assert_eq!(chosen(&providers, "m"), Ok(("limited".into(), "m".into())));
    let error = chosen(&providers, "n").unwrap_err();
    assert!(
        error.contains("`n` does not exist: name it with its provider, as `limited/n` or `other/n`"),
        "{error}"
    );
    assert!(chosen(&[], "m").unwrap_err().contains("may use no provider"));
}

#[tokio::test]
async fn a_name_that_was_found_is_not_looked_for_again_and_one_that_was_not_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("db")).await.unwrap();
    let (names, caller) = (Names::default(), Caller::of_environment(Role::Submit));
    names.resolve(&caller, &store, "ours/m").await.unwrap_err();
    let row = provider("ours", json!({}));
    store.create_provider(&row).await.unwrap();
    assert_eq!(names.resolve(&caller, &store, "ours/m").await.unwrap().provider.id, row.id);

    store.delete_provider(row.id).await.unwrap();

    assert_eq!(names.resolve(&caller, &store, "ours/m").await.unwrap().provider.id, row.id);
    let stranger = Caller { tenant: Some("strangers".parse().unwrap()), ..caller };
    names.resolve(&stranger, &store, "ours/m").await.unwrap_err();
}
