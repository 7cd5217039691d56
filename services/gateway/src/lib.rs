#![doc = include_str!("../README.md")]

mod answer_key;
mod anthropic;
mod behaviour;
mod body;
mod caller;
mod chance;
mod gemini;
mod intake;
mod openai;
mod paced;
mod protocol;
mod query;
mod record;
mod route;
mod server;
mod settings;

pub use answer_key::{AnswerKey, AnswerKeyError};
pub use chance::{Share, ShareFault};
pub use record::{CallRecord, Stats, Traffic};
pub use server::{Gateway, GatewayError};
pub use settings::GatewaySettings;
