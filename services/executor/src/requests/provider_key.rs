//! Gives the dispatcher the API key with which a call of a provider would begin now, encrypted for the one request.

use runmill_proto::message::{ProviderKeyReply, ProviderKeyRequest};

use crate::environment::Environment;

pub async fn answer(environment: &Environment, request: &ProviderKeyRequest) -> ProviderKeyReply {
    let reply = match environment.next_key(request).await {
        Ok(Some((label, sealed))) => ProviderKeyReply::Key { label, sealed },
        Ok(None) => ProviderKeyReply::NoKey,
        Err(error) => ProviderKeyReply::Refused(format!("{:#}", anyhow::Error::from(error))),
    };
    tracing::info!(
        event = "provider_key.answered",
        provider_id = %request.provider_id,
        answer = ?reply,
        "an API key was asked for"
    );
    reply
}
