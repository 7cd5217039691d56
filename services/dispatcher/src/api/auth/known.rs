use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use runmill_config::Token;
use runmill_proto::TokenId;
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError, TokenRow};
use runmill_vault::{bearer_hash, bearer_prefix};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{super::problem::ApiError, AuthError};
use crate::caller::Caller;

/// Time for which a token is taken from memory: one that another dispatcher revokes is refused after it.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(5);
/// Largest number of tokens in memory.
const KEPT_MAX: usize = 1_000;
/// Precision of the time of a token's last use.
const USE_PRECISION: SignedDuration = SignedDuration::from_hours(1);

/// Tokens that the API accepts: those that the server was started with, and those of the store.
pub struct KnownTokens {
    environment: Vec<Token>,
    store: Arc<dyn DispatcherStore>,
    clock: Clock,
    /// Tokens of the store that were used lately, by their prefixes.
    kept: Mutex<HashMap<String, Kept>>,
    /// Wakes the streams when this process revokes a token.
    revoked: Notify,
}

struct Kept {
    row: Arc<TokenRow>,
    read_at: Instant,
}

impl KnownTokens {
    pub fn new(environment: Vec<Token>, store: Arc<dyn DispatcherStore>, clock: Clock) -> Self {
        Self { environment, store, clock, kept: Mutex::default(), revoked: Notify::new() }
    }

    /// Returns the rights of a token. Those of the environment are looked at first, so they work without the store.
    pub async fn caller(&self, presented: &str) -> Result<Caller, ApiError> {
        if let Some(caller) = self.of_environment(presented) {
            return Ok(caller);
        }
        let prefix = bearer_prefix(presented).ok_or(AuthError::UnknownToken)?;
        let row = self.row(prefix).await?.ok_or(AuthError::UnknownToken)?;
        if !bool::from(row.hash.ct_eq(&bearer_hash(presented))) {
            return Err(AuthError::UnknownToken.into());
        }
        self.check(&row)?;
        self.of_row(&row).await
    }

    /// Returns the rights of a token of the store. That of a run is refused when the run has ended, and acts for the token that
    /// submitted the run.
    async fn of_row(&self, row: &TokenRow) -> Result<Caller, ApiError> {
        let caller = Caller::from(row);
        let Some(run_id) = row.run_id else { return Ok(caller) };
        let run = self.store.run(run_id).await?;
        if run.status.is_terminal() {
            return Err(AuthError::RunEnded(run_id).into());
        }
        Ok(Caller { id: run.submission.token_id, ..caller })
    }

    /// Waits until the token of `caller` is no longer accepted, for streams that outlast it.
    ///
    /// Cancel safe.
    pub async fn ended(&self, caller: &Caller) {
        let Some(id) = caller.id else { return std::future::pending().await };
        loop {
            let revoked = self.revoked.notified();
            match self.store.token(id).await {
                Ok(row) if self.check(&row).is_err() => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(event = "tokens.not_checked", token_id = %id, %error),
            }
            tokio::select! {
                () = sleep(KEPT_FOR) => {}
                () = revoked => {}
            }
        }
    }

    /// Forgets a token that was revoked, so that this process refuses it from now on.
    pub fn forget(&self, id: TokenId) {
        self.lock().retain(|_, kept| kept.row.id != id);
        self.revoked.notify_waiters();
    }

    /// Every token is compared, and each in constant time, so that the time taken reveals nothing.
    fn of_environment(&self, presented: &str) -> Option<Caller> {
        let role = self.environment.iter().fold(None, |found, token| {
            let equal = token.value.expose_secret().as_bytes().ct_eq(presented.as_bytes());
            if bool::from(equal) { Some(token.role) } else { found }
        });
        role.map(Caller::of_environment)
    }

    fn check(&self, row: &TokenRow) -> Result<(), AuthError> {
        if row.revoked_at.is_some() {
            return Err(AuthError::Revoked);
        }
        if row.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(AuthError::Expired);
        }
        Ok(())
    }

    /// Returns the token with this prefix from memory, or from the store.
    async fn row(&self, prefix: &str) -> Result<Option<Arc<TokenRow>>, StoreError> {
        if let Some(row) = self.kept(prefix) {
            return Ok(Some(row));
        }
        let read_at = Instant::now();
        let Some(row) = self.store.token_by_prefix(prefix).await?.map(Arc::new) else { return Ok(None) };
        self.note_use(&row).await;
        self.keep(Kept { row: row.clone(), read_at });
        Ok(Some(row))
    }

    fn kept(&self, prefix: &str) -> Option<Arc<TokenRow>> {
        let kept = self.lock();
        let found = kept.get(prefix).filter(|kept| kept.read_at.elapsed() < KEPT_FOR)?;
        Some(found.row.clone())
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.lock();
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, kept| kept.read_at.elapsed() < KEPT_FOR);
        }
        if kept.len() < KEPT_MAX {
            kept.insert(new.row.prefix.clone(), new);
        }
    }

    /// Writes the time of a use. A database that only reads must not shut the API.
    async fn note_use(&self, row: &TokenRow) {
        let now = self.clock.now();
        let is_noted = row.last_used_at.is_some_and(|at| now.duration_since(at) < USE_PRECISION);
        if is_noted || self.check(row).is_err() {
            return;
        }
        if let Err(error) = self.store.token_used(row.id, now).await {
            tracing::warn!(event = "tokens.use_not_noted", token_id = %row.id, %error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
