//! Clients of OpenAI and Anthropic, over a broker in memory and an executor that says what a test wants.

mod answering;
pub mod executor;
mod holding;
mod joining;
mod losing;
mod models;
mod refusing;
mod starting;
mod usage;

use reqwest::{Method, RequestBuilder};
use runmill_config::Role;
use runmill_proto::ProviderId;
use serde_json::{Value, json};

use crate::server::{Server, token_of};

/// A server with a provider of the name `ours`.
pub struct World {
    pub server: Server,
    pub provider: ProviderId,
}

impl World {
    pub async fn new() -> Self {
        Self::of(Server::start().await).await
    }

    /// Returns a world in which calls without an executor are held.
    pub async fn holding() -> Self {
        Self::of(Server::holding().await).await
    }

    async fn of(server: Server) -> Self {
        let provider = serde_json::from_value(server.new_run().await["provider_id"].clone()).unwrap();
        Self { server, provider }
    }

    /// Makes a request with the token of a submitter.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.server.request_as(Role::Submit, Method::POST, path).json(body)
    }

    pub fn chat(&self, fields: &Value) -> RequestBuilder {
        self.post("/v1/chat/completions", &with(chat(), fields))
    }
}

fn chat() -> Value {
    json!({"model": "ours/m", "messages": [{"role": "user", "content": "2 + 2?"}]})
}

fn with(mut body: Value, fields: &Value) -> Value {
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// Sends a request that must be refused. Returns its status, the error, and the headers `retry-after` and `x-should-retry`.
async fn refused(request: RequestBuilder) -> (u16, Value, [Option<String>; 2]) {
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let headers = [header("retry-after"), header("x-should-retry")];
    assert!(header("x-request-id").is_some() && header("x-request-id") == header("request-id"));
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].clone(), headers)
}

fn submitter() -> String {
    token_of(Role::Submit)
}
