//! Creates, changes and deletes providers.

mod faults;
mod secrets;

use std::sync::Arc;

use runmill_address::AddressRules;
use runmill_proto::{
    PauseCause, ProviderId, Tenant,
    api::{NewProvider, ProviderPatch, SettingsOverride},
    message::Control,
};
use runmill_runtime::Clock;
use runmill_store::{ActiveRun, DispatcherStore, ProviderRow, StoreError, Transition};
use runmill_vault::Sealer;
use uuid::Uuid;

use crate::{
    announcer::Announcer,
    caller::Caller,
    error::{UseCaseError, name_fault},
    run_control::RunControl,
};
use secrets::Secrets;

/// Creates, changes and deletes providers, and tells every process.
#[derive(Clone)]
pub struct ProviderChanges {
    pub store: Arc<dyn DispatcherStore>,
    pub announcer: Announcer,
    pub clock: Clock,
    pub sealer: Sealer,
    /// Addresses that a provider may have.
    pub address_rules: AddressRules,
    /// Resumes the runs that a change may help.
    pub runs: RunControl,
}

/// Change that only a token of all tenants makes.
const SHARING: &str = "sharing a provider";

impl ProviderChanges {
    /// Creates a provider, which belongs to the tenant of `caller`.
    pub async fn create(&self, caller: &Caller, new: NewProvider) -> Result<ProviderRow, UseCaseError> {
        if new.shared {
            caller.require_all_tenants(SHARING)?;
        }
        let row = self.row(caller.creates_in(), new)?;
        self.store.create_provider(&row).await?;
        self.announce(row.id).await;
        Ok(row)
    }

    /// Changes the fields that `patch` names. The provider may accept calls again after a change of keys, headers,
    /// address or protocol, so that also resumes the runs that were paused because it refused or failed them, or could
    /// not be reached. A change of the limits resumes those for which the day's budget was used up.
    pub async fn patch(
        &self,
        caller: &Caller,
        id: ProviderId,
        patch: ProviderPatch,
    ) -> Result<ProviderRow, UseCaseError> {
        let row = caller.own_provider(&*self.store, id).await?;
        if patch.shared.is_some() {
            caller.require_all_tenants(SHARING)?;
        }
        let (may_help, limits_change) = (may_help(&patch), patch.rate_limit.is_some());
        let row = self.patched(row, patch)?;
        let row = ProviderRow { version: row.version + 1, updated_at: self.clock.now(), ..row };
        self.store.update_provider(&row).await?;
        self.announce(id).await;
        if (may_help || limits_change)
            && let Err(error) = self.resume_runs(id, may_help, limits_change).await
        {
            // The change is made. A user can resume the runs that have no time at which they resume by themselves.
            tracing::warn!(event = "provider.runs_not_resumed", provider_id = %id, %error);
        }
        Ok(row)
    }

    /// Deletes a provider, and returns what it was.
    pub async fn delete(&self, caller: &Caller, id: ProviderId) -> Result<ProviderRow, UseCaseError> {
        let row = caller.own_provider(&*self.store, id).await?;
        self.store.delete_provider(id).await?;
        self.announce(id).await;
        Ok(row)
    }

    async fn announce(&self, provider_id: ProviderId) {
        self.announcer.announce(Control::ProviderChanged { provider_id }).await;
    }

    /// Resumes the provider's runs for which the change may have removed the reason of their pause.
    async fn resume_runs(
        &self,
        id: ProviderId,
        may_help: bool,
        limits_change: bool,
    ) -> Result<(), StoreError> {
        let day_budget = Transition::ResumeAfterBudget { cause: PauseCause::DayBudget };
        for ActiveRun { run, .. } in self.store.unfinished_runs().await? {
            let Some(pause) = run.pause.filter(|_| run.submission.provider_id == id) else { continue };
            if may_help && pause.may_end_by_change() {
                self.runs.apply_if_possible(run.id, Transition::ResumeAfterChange).await?;
            } else if limits_change && pause.cause == Some(PauseCause::DayBudget) {
                self.runs.apply_if_possible(run.id, day_budget.clone()).await?;
            }
        }
        Ok(())
    }

    /// Returns the row of a new provider, or every fault of `new`.
    fn row(&self, tenant: Tenant, new: NewProvider) -> Result<ProviderRow, UseCaseError> {
        let mut faults = faults::keys(&new.api_keys);
        faults.extend(faults::headers(&new.headers));
        faults.extend(name_fault("/name", &new.name));
        faults.extend(new.rate_limit.faults());
        faults.extend(new.request.faults());
        faults.extend(new.retry.faults());
        let base_url = faults::base_url(&new.base_url, self.address_rules, &mut faults);
        let proxy = new.proxy.and_then(|proxy| faults::proxy(&proxy, self.address_rules, &mut faults));
        UseCaseError::if_any(faults)?;
        let now = self.clock.now();
        let secrets = Secrets { sealer: &self.sealer };
        Ok(ProviderRow {
            id: ProviderId::from_uuid(Uuid::now_v7()),
            tenant,
            shared: new.shared,
            name: new.name,
            kind: new.kind,
            protocol: new.protocol,
            base_url,
            proxy,
            secrets: [secrets.keys(&new.api_keys), secrets.headers(&new.headers)].concat(),
            capabilities: new.capabilities,
            rate_limit: new.rate_limit,
            settings: SettingsOverride { request: new.request, retry: new.retry },
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Returns `row` with the fields of `patch`, or every fault of `patch`.
    fn patched(&self, mut row: ProviderRow, patch: ProviderPatch) -> Result<ProviderRow, UseCaseError> {
        let secrets = Secrets { sealer: &self.sealer };
        let mut faults = Vec::new();
        if let Some(name) = patch.name {
            faults.extend(name_fault("/name", &name));
            row.name = name;
        }
        if let Some(base_url) = patch.base_url {
            row.base_url = faults::base_url(&base_url, self.address_rules, &mut faults);
        }
        if let Some(proxy) = patch.proxy {
            row.proxy = faults::proxy(&proxy, self.address_rules, &mut faults);
        }
        if let Some(keys) = patch.api_keys {
            faults.extend(faults::keys(&keys));
            secrets.replace_keys(&mut row, &keys);
        }
        if let Some(headers) = patch.headers {
            faults.extend(faults::headers(&headers));
            secrets.replace_headers(&mut row, &headers);
        }
        if let Some(rate_limit) = patch.rate_limit {
            faults.extend(rate_limit.faults());
            row.rate_limit = rate_limit;
        }
        if let Some(request) = patch.request {
            faults.extend(request.faults());
            row.settings.request = request;
        }
        if let Some(retry) = patch.retry {
            faults.extend(retry.faults());
            row.settings.retry = retry;
        }
        row.shared = patch.shared.unwrap_or(row.shared);
        row.protocol = patch.protocol.or(row.protocol);
        row.capabilities = patch.capabilities.unwrap_or(row.capabilities);
        UseCaseError::if_any(faults)?;
        Ok(row)
    }
}

/// Returns true if the provider, after the change, may accept calls that it refused earlier.
const fn may_help(patch: &ProviderPatch) -> bool {
    patch.api_keys.is_some()
        || patch.headers.is_some()
        || patch.base_url.is_some()
        || patch.proxy.is_some()
        || patch.protocol.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn patch(value: Value) -> ProviderPatch {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_change_of_what_the_provider_checks_may_help_and_one_of_our_limits_does_not() {
        for value in [
            json!({"api_keys": []}),
            json!({"headers": {}}),
            json!({"base_url": "x"}),
            json!({"proxy": "none"}),
            json!({"protocol": "gemini"}),
        ] {
            assert!(may_help(&patch(value.clone())), "{value}");
        }
        for value in
            [json!({}), json!({"name": "x"}), json!({"rate_limit": {"rpm": 5}}), json!({"retry": {}})]
        {
            assert!(!may_help(&patch(value.clone())), "{value}");
        }
    }
}
