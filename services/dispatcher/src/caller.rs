//! Rights of the token with which a request was sent, and what it can see by them.

use std::collections::BTreeSet;

use runmill_config::Role;
use runmill_proto::{DatasetId, ProviderId, RunId, Tenant, TokenId, api::Dataset};
use runmill_store::{DispatcherStore, ProviderRow, RunRow, StoreError, TokenRow};

use crate::error::UseCaseError;

/// Name of the tokens that the server was started with, in the audit log.
const ENVIRONMENT: &str = "environment";

/// The token with which a request was sent, without its secret.
///
/// Objects of another tenant do not exist for it: each method returns [`StoreError::NotFound`] for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    /// Tenant of the token. `None` if it is of all tenants.
    pub tenant: Option<Tenant>,
    /// Providers that the token may use. `None` if it may use all that its tenant may use.
    pub providers: Option<BTreeSet<ProviderId>>,
    pub name: String,
    /// Id of the token, or of that which submitted the run to which the token belongs. `None` for one that the server was
    /// started with.
    pub id: Option<TokenId>,
    /// Run to which the token belongs. It calls models for this run, and does nothing else. `None` for a user's token.
    pub run_id: Option<RunId>,
}

impl Caller {
    /// Returns the rights of a token that the server was started with. Whoever sets the environment of the server has its
    /// keys, too, so its admins are of all tenants.
    pub fn of_environment(role: Role) -> Self {
        let tenant = (role != Role::Admin).then(Tenant::default);
        Self { role, tenant, providers: None, name: ENVIRONMENT.to_owned(), id: None, run_id: None }
    }

    /// Returns true if what belongs to `tenant` exists for this token.
    pub fn sees(&self, tenant: &Tenant) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Returns true for a provider of the token's own tenant, and for every one if the token is of all tenants.
    pub fn owns(&self, provider: &ProviderRow) -> bool {
        self.sees(&provider.tenant)
    }

    /// Returns the tenant to which belongs what this token creates.
    pub fn creates_in(&self) -> Tenant {
        self.tenant.clone().unwrap_or_default()
    }

    /// Returns true if runs of this token may call the provider.
    pub fn may_use(&self, provider: &ProviderRow) -> bool {
        (provider.shared || self.sees(&provider.tenant)) && self.is_listed(provider.id)
    }

    /// Returns an error unless the token is of all tenants. `what` is what it wants to do.
    pub fn require_all_tenants(&self, what: &str) -> Result<(), UseCaseError> {
        match &self.tenant {
            None => Ok(()),
            Some(_) => {
                Err(UseCaseError::Forbidden(format!("{what} concerns all tenants: it needs a token of all")))
            }
        }
    }

    pub async fn run(&self, store: &dyn DispatcherStore, id: RunId) -> Result<RunRow, StoreError> {
        let row = store.run(id).await?;
        if self.sees(&row.submission.tenant) { Ok(row) } else { Err(not_found("run", &id)) }
    }

    /// Returns a run that the token may steer.
    pub async fn steered_run(&self, store: &dyn DispatcherStore, id: RunId) -> Result<RunRow, UseCaseError> {
        let row = self.run(store, id).await?;
        if self.is_listed(row.submission.provider_id) {
            return Ok(row);
        }
        let provider = row.submission.provider_id;
        Err(UseCaseError::Forbidden(format!("this token may not use the run's provider {provider}")))
    }

    pub async fn dataset(&self, store: &dyn DispatcherStore, id: DatasetId) -> Result<Dataset, StoreError> {
        let dataset = store.dataset(id).await?;
        if self.sees(&dataset.tenant) { Ok(dataset) } else { Err(not_found("dataset", &id)) }
    }

    /// Returns a provider that runs of this token may call.
    pub async fn provider(
        &self,
        store: &dyn DispatcherStore,
        id: ProviderId,
    ) -> Result<ProviderRow, StoreError> {
        let row = store.provider(id).await?;
        if self.may_use(&row) { Ok(row) } else { Err(not_found("provider", &id)) }
    }

    /// Returns a provider that belongs to the token's tenant. One of another tenant that is shared is visible, and so is
    /// refused with a reason.
    pub async fn own_provider(
        &self,
        store: &dyn DispatcherStore,
        id: ProviderId,
    ) -> Result<ProviderRow, UseCaseError> {
        let row = self.provider(store, id).await?;
        if self.sees(&row.tenant) {
            return Ok(row);
        }
        Err(UseCaseError::Forbidden("this provider belongs to another tenant, which shares it".to_owned()))
    }

    /// Returns at most `limit` providers that runs of this token may call, beginning after `after`.
    pub async fn providers(
        &self,
        store: &dyn DispatcherStore,
        after: Option<ProviderId>,
        limit: u32,
    ) -> Result<Vec<ProviderRow>, StoreError> {
        let Some(listed) = &self.providers else {
            return store.providers(self.tenant.as_ref(), after, limit).await;
        };
        let mut rows = Vec::new();
        for id in listed.iter().filter(|id| after.is_none_or(|after| **id > after)) {
            if rows.len() == limit as usize {
                break;
            }
            match self.provider(store, *id).await {
                Ok(row) => rows.push(row),
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    pub async fn token(&self, store: &dyn DispatcherStore, id: TokenId) -> Result<TokenRow, StoreError> {
        let row = store.token(id).await?;
        let is_visible = match (&self.tenant, &row.tenant) {
            _ if row.run_id.is_some() => false,
            (None, _) => true,
            (Some(own), Some(tenant)) => own == tenant,
            (Some(_), None) => false,
        };
        if is_visible { Ok(row) } else { Err(not_found("token", &id)) }
    }

    fn is_listed(&self, provider: ProviderId) -> bool {
        self.providers.as_ref().is_none_or(|listed| listed.contains(&provider))
    }
}

impl From<&TokenRow> for Caller {
    fn from(row: &TokenRow) -> Self {
        Self {
            role: row.role,
            tenant: row.tenant.clone(),
            providers: row.providers.as_ref().map(|ids| ids.iter().copied().collect()),
            name: row.name.clone(),
            id: Some(row.id),
            run_id: row.run_id,
        }
    }
}

fn not_found(what: &'static str, id: &impl ToString) -> StoreError {
    StoreError::NotFound { what, id: id.to_string() }
}
