use std::{sync::Arc, time::Duration};

use axum::{http::StatusCode, response::IntoResponse as _};
use jiff::Timestamp;
use runmill_config::{Role, Token};
use runmill_proto::TokenId;
use runmill_runtime::ManualClock;
use runmill_store::{TokenRow, Tokens as _, sqlite::SqliteStore};
use runmill_vault::Bearer;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::time::advance;
use uuid::Uuid;

use super::{KnownTokens, known::KEPT_FOR};
use crate::caller::Caller;

/// A store, and the tokens of a server that began with one token of each role.
struct World {
    store: SqliteStore,
    clock: ManualClock,
    known: Arc<KnownTokens>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("db")).await.unwrap();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let token = |role: &Role| Token { role: *role, value: format!("{role}-token").into() };
        let environment = Role::ALL.iter().map(token).collect();
        let known = Arc::new(KnownTokens::new(environment, Arc::new(store.clone()), clock.clock()));
        Self { store, clock, known, _folder: folder }
    }

    /// Stores a token that expires after a day. Returns its row and its text.
    async fn token(&self) -> (TokenRow, String) {
        let bearer = Bearer::generate();
        let row = TokenRow {
            id: TokenId::from_uuid(Uuid::now_v7()),
            name: "ci".into(),
            prefix: bearer.prefix,
            hash: bearer.hash.to_vec(),
            role: Role::Submit,
            tenant: Some("ours".parse().unwrap()),
            providers: None,
            budget: None,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Some(Timestamp::from_second(86_400).unwrap()),
            revoked_at: None,
            last_used_at: None,
            run_id: None,
        };
        self.store.create_token(&row).await.unwrap();
        (row, bearer.secret.expose_secret().to_owned())
    }

    async fn role(&self, text: &str) -> Result<Role, StatusCode> {
        let caller = self.known.caller(text).await;
        caller.map(|caller| caller.role).map_err(|error| error.into_response().status())
    }
}

const REFUSED: Result<Role, StatusCode> = Err(StatusCode::UNAUTHORIZED);

#[tokio::test]
async fn a_token_has_its_own_rights_and_no_other_text_has_any() {
    let world = World::new().await;
    let (row, text) = world.token().await;

    assert_eq!(world.known.caller(&text).await.unwrap(), Caller::from(&row));
    let admin = Caller::of_environment(Role::Admin);
    assert_eq!(world.known.caller("admin-token").await.unwrap(), admin);
    assert_eq!(admin.tenant, None);
    let observer = world.known.caller("observe-token").await.unwrap();
    assert_eq!(observer.tenant, Some("default".parse().unwrap()));
    let mut altered = text.clone();
    altered.replace_range(text.len() - 1.., if text.ends_with('0') { "1" } else { "0" });
    for wrong in ["", "admin-toke", "admin-token2", &row.prefix, &altered] {
        assert_eq!(world.role(wrong).await, REFUSED, "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_another_server_revokes_is_refused_soon() {
    let world = World::new().await;
    let (row, text) = world.token().await;
    assert_eq!(world.role(&text).await, Ok(Role::Submit));
    world.store.revoke_token(row.id, world.clock.now()).await.unwrap();

    advance(KEPT_FOR.saturating_sub(Duration::from_millis(1))).await;
    assert_eq!(world.role(&text).await, Ok(Role::Submit), "it is taken from memory");
    advance(Duration::from_millis(1)).await;
    assert_eq!(world.role(&text).await, REFUSED);
}

#[tokio::test]
async fn a_token_that_this_server_revokes_is_refused_at_once() {
    let world = World::new().await;
    let (row, text) = world.token().await;
    let caller = world.known.caller(&text).await.unwrap();
    let known = world.known.clone();
    let stream = tokio::spawn(async move { known.ended(&caller).await });

    world.store.revoke_token(row.id, world.clock.now()).await.unwrap();
    world.known.forget(row.id);

    assert_eq!(world.role(&text).await, REFUSED);
    stream.await.unwrap();
}

#[tokio::test]
async fn a_token_that_expires_is_refused_although_it_is_in_memory() {
    let world = World::new().await;
    let (_, text) = world.token().await;
    assert_eq!(world.role(&text).await, Ok(Role::Submit));

    world.clock.advance(Duration::from_hours(24));

    assert_eq!(world.role(&text).await, REFUSED);
}

#[tokio::test(start_paused = true)]
async fn the_last_use_is_kept_to_the_hour() {
    let world = World::new().await;
    let (row, text) = world.token().await;
    let mut used = Vec::new();
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(40));
        advance(KEPT_FOR).await;
        world.role(&text).await.unwrap();
        used.push(world.store.token(row.id).await.unwrap().last_used_at.unwrap().as_second() / 60);
    }

    assert_eq!(used, [40, 40, 120]);
}
