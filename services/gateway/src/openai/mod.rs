//! `OpenAI`'s chat completions: reading requests and writing answers. What an answer is, and whether there is
//! one, is [`crate::behaviour`]'s to say.

mod chat;
mod completion;
mod error;
mod models;
mod request;
mod stream;

pub(crate) use chat::chat;
pub(crate) use error::ApiError;
pub(crate) use models::{model, models};
