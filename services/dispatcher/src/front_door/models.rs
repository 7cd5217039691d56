//! The models that a client may ask.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use runmill_front_door::{
    Refusal,
    models::{Model, list, one},
};
use runmill_store::{ProviderRow, StoreError};

use super::{FrontDoor, extract::Path, model, refused, sign_in::dialect};
use crate::caller::Caller;

/// Lists the models that are known: those with limits, and those of the newest runs. Others can be asked, too.
pub async fn all(State(door): State<FrontDoor>, caller: Caller, uri: Uri, headers: HeaderMap) -> Response {
    let dialect = dialect(uri.path(), &headers);
    match known(&door, &caller).await {
        Ok(models) => Json(list(dialect, &models)).into_response(),
        Err(error) => refused::response(&refused::from_store(error), dialect),
    }
}

/// Describes a model by its name, which may have slashes.
pub async fn single(
    State(door): State<FrontDoor>,
    caller: Caller,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let dialect = dialect(uri.path(), &headers);
    let found = model::resolve(&caller, &*door.store, &name).await;
    let found: Result<_, Refusal> = found.map_err(refused::from_model);
    match found {
        Ok(found) => Json(one(dialect, &described(name, &found.provider))).into_response(),
        Err(refusal) => refused::response(&refusal, dialect),
    }
}

async fn known(door: &FrontDoor, caller: &Caller) -> Result<Vec<Model>, StoreError> {
    let providers = model::providers(caller, &*door.store).await?;
    let used = model::used_models(caller, &*door.store).await?;
    let names = |provider: &ProviderRow| -> BTreeSet<String> {
        let limited = provider.rate_limit.models.keys();
        let used = used.iter().filter(|(id, _)| *id == provider.id).map(|(_, name)| name);
        limited.chain(used).cloned().collect()
    };
    let mut models = Vec::new();
    let mut bare: BTreeMap<String, Vec<&ProviderRow>> = BTreeMap::new();
    for provider in &providers {
        for name in names(provider) {
            models.push(described(format!("{}/{name}", provider.name), provider));
            bare.entry(name).or_default().push(provider);
        }
    }
    // A bare name is listed if it can mean only one provider.
    let alone = bare.into_iter().filter(|(_, at)| at.len() == 1);
    models.extend(alone.map(|(name, at)| described(name, at[0])));
    Ok(models)
}

fn described(id: String, provider: &ProviderRow) -> Model {
    Model { id, owned_by: provider.name.clone(), created: provider.created_at.as_second() }
}
