use std::sync::Arc;

use runmill_config::Role;
use runmill_proto::{
    ConfigFault, Tenant, TokenId,
    api::{CreatedToken, NewToken},
};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError, TokenRow};
use runmill_vault::Bearer;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    caller::Caller,
    error::{UseCaseError, fault, name_fault},
};

/// Largest number of providers that a token can name.
const PROVIDERS_MAX: usize = 100;

/// Creates and revokes bearer tokens of the API.
#[derive(Clone)]
pub struct TokenChanges {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
}

impl TokenChanges {
    /// Creates a token whose rights are no greater than those of `caller`, an admin. Only the answer has its secret.
    pub async fn create(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken, UseCaseError> {
        let tenant = tenant(caller, &new)?;
        let mut faults = self.faults(&new);
        faults.extend(self.provider_faults(tenant.as_ref(), &new).await?);
        UseCaseError::if_any(faults)?;
        let bearer = Bearer::generate();
        let row = TokenRow {
            id: TokenId::from_uuid(Uuid::now_v7()),
            name: new.name,
            prefix: bearer.prefix,
            hash: bearer.hash.to_vec(),
            role: new.role,
            tenant,
            providers: new.providers,
            created_at: self.clock.now(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        self.store.create_token(&row).await?;
        Ok(CreatedToken { token: row.into(), secret: bearer.secret.expose_secret().to_owned() })
    }

    /// Revokes a token that `caller`, an admin, can see. Idempotent.
    pub async fn revoke(&self, caller: &Caller, id: TokenId) -> Result<TokenRow, StoreError> {
        caller.token(&*self.store, id).await?;
        self.store.revoke_token(id, self.clock.now()).await
    }

    fn faults(&self, new: &NewToken) -> Vec<ConfigFault> {
        let is_over = new.expires_at.is_some_and(|at| at <= self.clock.now());
        let expiry = is_over.then(|| fault("/expires_at", "must be in the future"));
        let is_limited_admin = new.role == Role::Admin && new.providers.is_some();
        let admin = is_limited_admin
            .then(|| fault("/providers", "may not be given for an admin, who could add other providers"));
        name_fault("/name", &new.name).into_iter().chain(expiry).chain(admin).collect()
    }

    /// Returns a fault for each provider that a token of the tenant could not use.
    async fn provider_faults(
        &self,
        tenant: Option<&Tenant>,
        new: &NewToken,
    ) -> Result<Vec<ConfigFault>, StoreError> {
        let ids = new.providers.as_deref().unwrap_or_default();
        if ids.len() > PROVIDERS_MAX {
            let detail = format!("has {} providers, and at most {PROVIDERS_MAX} are possible", ids.len());
            return Ok(vec![fault("/providers", detail)]);
        }
        let user = Caller { tenant: tenant.cloned(), ..Caller::of_environment(Role::Admin) };
        let mut faults = Vec::new();
        for (n, id) in ids.iter().enumerate() {
            match user.provider(&*self.store, *id).await {
                Ok(_) => {}
                Err(error @ StoreError::NotFound { .. }) => {
                    faults.push(fault(format!("/providers/{n}"), error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(faults)
    }
}

/// Returns the tenant of the new token, or `None` for all tenants.
fn tenant(caller: &Caller, new: &NewToken) -> Result<Option<Tenant>, UseCaseError> {
    if new.all_tenants {
        caller.require_all_tenants("a token of all tenants")?;
        let both = new.tenant.as_ref().map(|_| fault("/tenant", "must not be given with `all_tenants`"));
        UseCaseError::if_any(both.into_iter().collect())?;
        return Ok(None);
    }
    let tenant = new.tenant.clone().unwrap_or_else(|| caller.creates_in());
    if caller.sees(&tenant) {
        return Ok(Some(tenant));
    }
    Err(UseCaseError::Forbidden("this token creates only tokens of its own tenant".to_owned()))
}
