use runmill_proto::{
    ProviderId, Role, TokenId,
    api::{Budget, Token},
};
use uuid::Uuid;

use super::{
    Stores,
    world::{assert_conflict, assert_not_found, at, create, new_run},
};
use crate::{TokenBudget, TokenRow};

fn token(prefix: &str) -> TokenRow {
    TokenRow {
        id: TokenId::from_uuid(Uuid::now_v7()),
        name: "ci".into(),
        prefix: prefix.into(),
        hash: vec![7; 32],
        role: Role::Submit,
        tenant: Some("other".parse().unwrap()),
        providers: Some(vec![ProviderId::from_uuid(Uuid::from_u128(5))]),
        budget: Some(Budget { calls: Some(9), ..Budget::default() }),
        created_at: at(0),
        expires_at: Some(at(60)),
        revoked_at: None,
        last_used_at: None,
        run_id: None,
    }
}

/// Returns a token of all tenants and providers that does not expire.
fn admin(prefix: &str) -> TokenRow {
    let row = token(prefix);
    TokenRow { role: Role::Admin, tenant: None, providers: None, budget: None, expires_at: None, ..row }
}

pub async fn a_token_comes_back_without_its_text(stores: &Stores) {
    for row in [token("rmt_1"), admin("rmt_2")] {
        stores.one.create_token(&row).await.unwrap();

        assert_eq!(stores.other.token(row.id).await.unwrap(), row);
        assert_eq!(stores.other.token_by_prefix(&row.prefix).await.unwrap(), Some(row.clone()));
        assert_eq!(Token::from(row.clone()).prefix, row.prefix);
    }
    assert_eq!(stores.one.token_by_prefix("rmt_").await.unwrap(), None);
    assert_not_found(stores.one.token(TokenId::from_uuid(Uuid::now_v7())).await, "token");
}

pub async fn two_tokens_differ_in_their_prefixes(stores: &Stores) {
    stores.one.create_token(&token("rmt_1")).await.unwrap();

    assert_conflict(stores.other.create_token(&token("rmt_1")).await);
}

pub async fn tokens_are_paged_by_id_and_by_tenant(stores: &Stores) {
    let store = &stores.one;
    let all = [token("rmt_1"), admin("rmt_2"), token("rmt_3")];
    for row in &all {
        store.create_token(row).await.unwrap();
    }

    assert_eq!(store.tokens(None, None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.tokens(None, Some(all[1].id), 2).await.unwrap(), all[2..]);
    let tenant = all[0].tenant.as_ref();
    assert_eq!(store.tokens(tenant, None, 9).await.unwrap(), [all[0].clone(), all[2].clone()]);
    assert_eq!(store.tokens(tenant, Some(all[0].id), 9).await.unwrap(), [all[2].clone()]);
}

pub async fn a_token_is_revoked_once(stores: &Stores) {
    let row = token("rmt_1");
    stores.one.create_token(&row).await.unwrap();

    let revoked = TokenRow { revoked_at: Some(at(1)), ..row.clone() };
    assert_eq!(stores.one.revoke_token(row.id, at(1)).await.unwrap(), revoked);
    assert_eq!(stores.other.revoke_token(row.id, at(2)).await.unwrap(), revoked);
    assert_eq!(stores.other.token(row.id).await.unwrap(), revoked);
    let absent = TokenId::from_uuid(Uuid::now_v7());
    assert_not_found(stores.one.revoke_token(absent, at(1)).await, "token");
}

pub async fn the_last_use_of_a_token_is_kept(stores: &Stores) {
    let row = token("rmt_1");
    stores.one.create_token(&row).await.unwrap();

    stores.one.token_used(row.id, at(5)).await.unwrap();

    assert_eq!(stores.other.token(row.id).await.unwrap(), TokenRow { last_used_at: Some(at(5)), ..row });
}

pub async fn an_active_run_has_the_budget_of_its_token(stores: &Stores) {
    let store = &*stores.one;
    let (limited, unlimited) = (token("rmt_1"), admin("rmt_2"));
    for row in [&limited, &unlimited] {
        store.create_token(row).await.unwrap();
        let mut run = new_run(store, 1).await;
        run.submission.token_id = Some(row.id);
        create(store, &run).await;
    }
    let budgets = async || {
        let active = stores.other.active_runs().await.unwrap();
        active.into_iter().map(|active| active.token_budget).collect::<Vec<_>>()
    };
    let of_token = |budget| Some(TokenBudget { token_id: limited.id, token: limited.name.clone(), budget });
    assert_eq!(budgets().await, [of_token(limited.budget.unwrap()), None]);
    let of_client = async |id| stores.other.token_budget(id).await.unwrap();
    assert_eq!(of_client(limited.id).await, of_token(limited.budget.unwrap()));
    assert_eq!(of_client(unlimited.id).await, None);

    let raised = Budget { calls: Some(90), ..Budget::default() };
    let row = store.set_token_budget(limited.id, Some(raised)).await.unwrap();
    assert_eq!(row, TokenRow { budget: Some(raised), ..limited.clone() });
    assert_eq!(budgets().await, [of_token(raised), None]);
    assert_eq!(of_client(limited.id).await, of_token(raised));
    store.set_token_budget(limited.id, None).await.unwrap();
    assert_eq!(budgets().await, [None, None]);
    assert_eq!(of_client(limited.id).await, None);
    let absent = TokenId::from_uuid(Uuid::now_v7());
    assert_eq!(of_client(absent).await, None);
    assert_not_found(store.set_token_budget(absent, None).await, "token");
}
