//! Takes a client's request for answers of a model.

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use runmill_front_door::{Asked, Endpoint, Refusal, ReplyHead, estimate_prompt_tokens, read};
use runmill_proto::{JobConfig, message::ClientCall};
use runmill_store::ProviderRow;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    FrontDoor, bounds,
    flight::Flight,
    joins::{Boarding, JoinKey, Marks, Reached},
    model::{NAME_MAX, Resolved},
    progress::client,
    refused,
    reply::Reply,
};
use crate::{api::is_too_slow, caller::Caller};

/// Header that names the run to which a call is charged.
const X_RUNMILL_RUN: &str = "x-runmill-run";

/// The part of any request that says where it goes.
#[derive(Deserialize)]
struct Addressed {
    model: String,
}

/// Returns the answer of the model, or the refusal, in the shape of the endpoint.
pub async fn answer(
    door: FrontDoor,
    caller: Caller,
    endpoint: Endpoint,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let mut provider = None;
    let answered = async {
        let body = body.map_err(|rejection| unreadable(&rejection))?;
        let read = read(endpoint, &body);
        let resolved = resolve(&door, &caller, &read, &body).await;
        provider = resolved.as_ref().ok().map(|resolved| resolved.provider.clone());
        let asked = read?;
        door.ask(&caller, endpoint, &headers, &body, asked, resolved?).await
    };
    let answered: Result<Response, Refusal> = answered.await;
    let mut response = answered.unwrap_or_else(|refusal| refused::response(&refusal, endpoint.dialect()));
    if let Some(provider) = provider {
        add_limits(response.headers_mut(), &provider);
    }
    response
}

/// Finds the provider of a request, also of one with a fault, because some clients read its limits from the refusal.
async fn resolve(
    door: &FrontDoor,
    caller: &Caller,
    read: &Result<Asked, Refusal>,
    body: &[u8],
) -> Result<Resolved, Refusal> {
    let name = match read {
        Ok(asked) => asked.model.clone(),
        Err(_) => serde_json::from_slice::<Addressed>(body).map(|it| it.model).unwrap_or_default(),
    };
    if name.len() > NAME_MAX {
        return Err(Refusal::invalid("model", format!("`model` has more than {NAME_MAX} bytes")));
    }
    door.names.resolve(caller, &*door.store, &name).await.map_err(refused::from_model)
}

impl FrontDoor {
    async fn ask(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        asked: Asked,
        at: Resolved,
    ) -> Result<Response, Refusal> {
        let head = ReplyHead {
            id: Uuid::now_v7().simple().to_string(),
            created: self.clock.now().as_second(),
            model: asked.model.clone(),
            prompt_tokens: estimate_prompt_tokens(&asked.conversation),
        };
        let (who, marks) = (bounds::who(caller), Marks::of(headers));
        let (n, streams, options) = (asked.n, asked.streams, asked.reply.clone());
        let key = JoinKey::new(who, endpoint, body, &marks);
        let (client, progress) = client();
        let reached = if let Some(ticket) = self.joins.join(&key, &marks, &client) {
            // The flight has the other end, and must be the only one with it.
            drop(client);
            Reached(Some(ticket))
        } else {
            let seats = self.bounds.take(who, n, body.len())?;
            let calls = self.calls(caller, headers, asked, &at).await?;
            let boarding = self.joins.board(key, &marks, &client);
            let reached = Reached(boarding.as_ref().map(Boarding::ticket));
            let flight = Flight {
                calls,
                provider: at.provider.name,
                broker: self.broker.clone(),
                announcer: self.announcer.clone(),
                starting: self.starting.clone(),
                settings: self.settings,
                seats,
                boarding,
            };
            flight.start(client);
            reached
        };
        let reply = Reply { progress, options, head, n, reached, settings: self.settings };
        if streams { reply.streamed().await } else { reply.buffered().await }
    }

    /// Returns a call for each answer.
    async fn calls(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        asked: Asked,
        at: &Resolved,
    ) -> Result<Vec<ClientCall>, Refusal> {
        let run_id = match (caller.run_id, headers.get(X_RUNMILL_RUN)) {
            (Some(id), _) => self.charges.named(caller, &id.to_string()).await?,
            (None, Some(name)) => self.charges.named(caller, name.to_str().unwrap_or_default()).await?,
            (None, None) => self.charges.of_today(caller, at).await?,
        };
        let call = ClientCall {
            id: Uuid::now_v7(),
            run_id,
            token_id: caller.id,
            provider_id: at.provider.id,
            model: at.model.clone(),
            conversation: asked.conversation,
            config: JobConfig::default(),
            streams: asked.streams,
            ignored: asked.ignored,
            deadline: self.clock.now() + self.settings.call_timeout,
        };
        let others = (1..asked.n).map(|_| ClientCall { id: Uuid::now_v7(), ..call.clone() });
        let mut calls: Vec<_> = others.collect();
        calls.push(call);
        Ok(calls)
    }
}

/// Returns the refusal of a request whose body could not be read.
pub fn unreadable(rejection: &BytesRejection) -> Refusal {
    if is_too_slow(rejection) {
        return Refusal::new(408, runmill_runtime::http::BodyTooSlow.to_string());
    }
    Refusal::new(rejection.status().as_u16(), rejection.body_text())
}

/// Adds the limits that the provider states, which some clients read before they begin.
fn add_limits(headers: &mut HeaderMap, provider: &ProviderRow) {
    let limits = &provider.rate_limit;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is from 0 to 1e12")]
    let rpm = limits.rpm.map(u64::from).or_else(|| limits.rps.map(|rps| (rps * 60.0) as u64));
    let stated = [("x-ratelimit-limit-requests", rpm), ("x-ratelimit-limit-tokens", limits.tpm)];
    for (name, limit) in stated {
        if let Some(limit) = limit {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(limit));
        }
    }
}
