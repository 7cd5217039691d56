use std::{collections::BTreeMap, sync::Arc};

use runmill_config::Role;
use runmill_proto::{
    ConfigFault, PauseCause, Tenant, TokenId,
    api::{Budget, BudgetUse, CreatedToken, NewToken, Token, TokenPatch, WhenUsedUp},
};
use runmill_quota::budget::{BudgetKey, BudgetOwner, BudgetUnit};
use runmill_runtime::Clock;
use runmill_store::{ActiveRun, DispatcherStore, StoreError, TokenRow, Transition};
use runmill_vault::Bearer;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    caller::Caller,
    error::{UseCaseError, fault, name_fault},
    run_control::RunControl,
};

/// Largest number of providers that a token can name.
const PROVIDERS_MAX: usize = 100;

/// Creates and revokes bearer tokens of the API.
#[derive(Clone)]
pub struct TokenChanges {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    /// Resumes the runs that a change may help.
    pub runs: RunControl,
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
            budget: new.budget,
            created_at: self.clock.now(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
            run_id: None,
        };
        self.store.create_token(&row).await?;
        let token = self.view(row).await?;
        Ok(CreatedToken { token, secret: bearer.secret.expose_secret().to_owned() })
    }

    /// Revokes a token that `caller`, an admin, can see. Idempotent.
    pub async fn revoke(&self, caller: &Caller, id: TokenId) -> Result<Token, StoreError> {
        caller.token(&*self.store, id).await?;
        self.view(self.store.revoke_token(id, self.clock.now()).await?).await
    }

    /// Changes a token that `caller`, an admin, can see. Runs that were paused because the old budget was used up resume.
    pub async fn patch(
        &self,
        caller: &Caller,
        id: TokenId,
        patch: TokenPatch,
    ) -> Result<Token, UseCaseError> {
        let mut row = caller.token(&*self.store, id).await?;
        if let Some(budget) = patch.budget {
            UseCaseError::if_any(budget_faults(row.role, budget.as_ref()))?;
            row = self.store.set_token_budget(id, budget).await?;
            if let Err(error) = self.resume_runs(id).await {
                // The change is made. The runs look again after an hour, and a user can resume them.
                tracing::warn!(event = "token.runs_not_resumed", token_id = %id, %error);
            }
        }
        Ok(self.view(row).await?)
    }

    /// Returns tokens in the form that the API returns, with the rests of their budgets.
    pub async fn views(&self, rows: Vec<TokenRow>) -> Result<Vec<Token>, StoreError> {
        let limited = rows.iter().filter(|row| row.budget.is_some());
        let keys: Vec<_> = limited.flat_map(|row| budget_keys(row.id)).collect();
        let taken = if keys.is_empty() { BTreeMap::new() } else { self.store.taken(&keys).await? };
        let view = |row: TokenRow| {
            let used = budget_keys(row.id).map(|key| taken.get(&key).copied().unwrap_or(0));
            let [calls, tokens, nanousd] = used;
            let budget_left = row.budget.map(|budget| budget.left(BudgetUse { calls, tokens, nanousd }));
            Token { budget_left, ..row.into() }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    async fn view(&self, row: TokenRow) -> Result<Token, StoreError> {
        let id = row.id;
        let view = self.views(vec![row]).await?.pop();
        view.ok_or_else(|| StoreError::NotFound { what: "token", id: id.to_string() })
    }

    async fn resume_runs(&self, id: TokenId) -> Result<(), StoreError> {
        // A token's budget pauses a run as a provider's day does: until a time.
        let cause = PauseCause::DayBudget;
        for ActiveRun { run, .. } in self.store.unfinished_runs().await? {
            let is_paused = run.pause.as_ref().is_some_and(|pause| pause.cause == Some(cause));
            if is_paused && run.submission.token_id == Some(id) {
                self.runs.apply_if_possible(run.id, Transition::ResumeAfterBudget { cause }).await?;
            }
        }
        Ok(())
    }

    fn faults(&self, new: &NewToken) -> Vec<ConfigFault> {
        let is_over = new.expires_at.is_some_and(|at| at <= self.clock.now());
        let expiry = is_over.then(|| fault("/expires_at", "must be in the future"));
        let is_limited_admin = new.role == Role::Admin && new.providers.is_some();
        let admin = is_limited_admin
            .then(|| fault("/providers", "may not be given for an admin, who could add other providers"));
        let budget = budget_faults(new.role, new.budget.as_ref());
        name_fault("/name", &new.name).into_iter().chain(expiry).chain(admin).chain(budget).collect()
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

/// Returns the names of a token's budgets in the store: of calls, tokens and billionths of a US dollar.
fn budget_keys(id: TokenId) -> [String; 3] {
    [BudgetUnit::Calls, BudgetUnit::Tokens, BudgetUnit::Nanousd]
        .map(|unit| BudgetKey { owner: BudgetOwner::Token(id), unit }.to_string())
}

/// Returns the faults of a token's budget.
fn budget_faults(role: Role, budget: Option<&Budget>) -> Vec<ConfigFault> {
    let Some(budget) = budget else { return Vec::new() };
    let admin = (role == Role::Admin)
        .then(|| fault("/budget", "may not be given for an admin, who could create other tokens"));
    let stops = (budget.when_used_up == WhenUsedUp::Stop).then(|| {
        fault("/budget/when_used_up", "must be `pause` for a token, whose runs wait for a higher budget")
    });
    budget.faults().into_iter().chain(admin).chain(stops).collect()
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
