//! `OpenAI`'s two protocols for chats, and what they share.

mod chat;
mod error;
mod models;
mod responses;

pub(crate) use chat::Chat;
pub(crate) use error::failure;
pub(crate) use models::{model, models};
pub(crate) use responses::Responses;
