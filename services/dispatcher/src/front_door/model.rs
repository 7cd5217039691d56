//! Finds the provider of a model that a client names.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, time::Duration};

use runmill_proto::{ProviderId, RunKind, Tenant};
use runmill_store::{DispatcherStore, ProviderRow, StoreError};
use tokio::time::Instant;

use super::known::Known;
use crate::caller::Caller;

/// Longest name of a model, in bytes.
pub const NAME_MAX: usize = 256;
/// Number of providers that are read at once.
const PAGE: u32 = 200;
/// Maximum number of providers that an error names.
const NAMED_MAX: usize = 5;

/// A provider, and the name of the model there.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub provider: ProviderRow,
    pub model: String,
}

/// Reason why a model's name has no provider, in words for the client.
#[derive(Debug, thiserror::Error)]
pub enum UnknownModel {
    #[error("`model` is empty: name a model as `provider/model`")]
    Empty,
    #[error(
        "the model `{0}` does not exist: this token may use no provider; \
         an admin adds one with `POST /providers`"
    )]
    NoProvider(String),
    #[error("the model `{model}` does not exist: name it with its provider, as {}", forms(model, providers))]
    Ambiguous {
        model: String,
        /// Names of providers that the token may use.
        providers: Vec<String>,
    },
    /// The name belongs to providers of several tenants.
    #[error(
        "the provider of `{0}` is not clear: several tenants have one of this name; use a token of one tenant, or rename one"
    )]
    OfSeveral(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Number of newest runs whose models are known.
const RUNS: u32 = 200;

/// Time for which a name that was found has the same provider, also if that is deleted or no longer shared meanwhile. A
/// name that was not found is looked for anew.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// Largest number of names in memory.
const KEPT_MAX: usize = 1_000;

/// Names that clients used a moment ago.
pub struct Names(Known<Name, Resolved>);

/// A name, and the rights of the token that used it.
#[derive(PartialEq, Eq, Hash)]
struct Name {
    text: String,
    tenant: Option<Tenant>,
    providers: Option<BTreeSet<ProviderId>>,
}

impl Default for Names {
    fn default() -> Self {
        Self(Known::new(KEPT_FOR, KEPT_MAX))
    }
}

impl Names {
    /// Does the same as [`resolve`], and reads nothing for a name that was found a moment ago.
    pub async fn resolve(
        &self,
        caller: &Caller,
        store: &dyn DispatcherStore,
        name: &str,
    ) -> Result<Resolved, UnknownModel> {
        let key = Name {
            text: name.to_owned(),
            tenant: caller.tenant.clone(),
            providers: caller.providers.clone(),
        };
        if let Some(resolved) = self.0.get(&key) {
            return Ok(resolved);
        }
        let read_at = Instant::now();
        let resolved = resolve(caller, store, name).await?;
        self.0.insert(key, resolved.clone(), read_at);
        Ok(resolved)
    }
}

/// Finds the provider of `name`, which is `provider/model`, or a model alone where only one provider comes into question:
/// the only one that the token may use, the only one that has a limit for this model, or the only one where one of the
/// newest runs has used it.
pub async fn resolve(
    caller: &Caller,
    store: &dyn DispatcherStore,
    name: &str,
) -> Result<Resolved, UnknownModel> {
    let name = name.trim();
    if name.is_empty() {
        return Err(UnknownModel::Empty);
    }
    let providers = providers(caller, store).await?;
    match choose(caller, providers.clone(), name) {
        Err(unknown @ UnknownModel::Ambiguous { .. }) => {
            let used = used_models(caller, store).await?;
            let is_used = |row: &ProviderRow| used.iter().any(|(id, model)| *id == row.id && model == name);
            let mut at = providers.into_iter().filter(is_used);
            match (at.next(), at.next()) {
                (Some(provider), None) => Ok(Resolved { provider, model: name.to_owned() }),
                _ => Err(unknown),
            }
        }
        found => found,
    }
}

/// Returns the models of the newest runs that the token sees, each with its provider. A client's call alone shows nothing until
/// it has an answer, since anyone may call by any name.
pub async fn used_models(
    caller: &Caller,
    store: &dyn DispatcherStore,
) -> Result<BTreeSet<(ProviderId, String)>, StoreError> {
    let runs = store.runs(caller.tenant.as_ref(), None, RUNS).await?;
    let known =
        runs.into_iter().filter(|run| run.submission.kind != RunKind::Interactive || run.stats.has_answers());
    Ok(known.map(|run| (run.submission.provider_id, run.submission.model)).collect())
}

/// Returns all providers that the token may use.
pub async fn providers(caller: &Caller, store: &dyn DispatcherStore) -> Result<Vec<ProviderRow>, StoreError> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|row: &ProviderRow| row.id);
        let page = caller.providers(store, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn choose(caller: &Caller, providers: Vec<ProviderRow>, name: &str) -> Result<Resolved, UnknownModel> {
    if let Some(resolved) = by_prefix(caller, &providers, name)? {
        return Ok(resolved);
    }
    let names: Vec<_> = providers.iter().map(|provider| provider.name.clone()).collect();
    let is_alone = providers.len() == 1;
    let mut fitting =
        providers.into_iter().filter(|provider| is_alone || provider.rate_limit.models.contains_key(name));
    match (fitting.next(), fitting.next()) {
        (Some(provider), None) => Ok(Resolved { provider, model: name.to_owned() }),
        _ if names.is_empty() => Err(UnknownModel::NoProvider(name.to_owned())),
        _ => Err(UnknownModel::Ambiguous { model: name.to_owned(), providers: names }),
    }
}

/// Reads `provider/model`. Both may have slashes, so the longest name of a provider counts. An own provider goes before those
/// of the same name that other tenants share, of which none goes before another.
fn by_prefix(
    caller: &Caller,
    providers: &[ProviderRow],
    name: &str,
) -> Result<Option<Resolved>, UnknownModel> {
    let rest = |provider: &ProviderRow| {
        let model = name.strip_prefix(&provider.name)?.strip_prefix('/')?;
        (!model.is_empty()).then(|| model.to_owned())
    };
    let rank = |provider: &ProviderRow| (provider.name.len(), caller.owns(provider));
    let matching = || providers.iter().filter_map(|provider| Some((provider, rest(provider)?)));
    let Some((provider, model)) = matching().max_by_key(|(provider, _)| rank(provider)) else {
        return Ok(None);
    };
    let alike = matching().filter(|(other, _)| rank(other) == rank(provider)).count();
    if alike > 1 {
        return Err(UnknownModel::OfSeveral(name.to_owned()));
    }
    Ok(Some(Resolved { provider: provider.clone(), model }))
}

fn forms(model: &str, providers: &[String]) -> String {
    let forms = providers.iter().take(NAMED_MAX).map(|provider| format!("`{provider}/{model}`"));
    let more = if providers.len() > NAMED_MAX { " or with another provider" } else { "" };
    format!("{}{more}", forms.collect::<Vec<_>>().join(" or "))
}
