//! `OpenAI`'s two protocols, chat completions and responses, with the errors and the list of models that they share.

mod chat;
mod error;
mod limit_headers;
mod models;
mod responses;

pub(crate) use chat::Chat;
pub(crate) use error::error_response;
pub(crate) use models::{model, models};
pub(crate) use responses::Responses;
