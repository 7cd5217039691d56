#![doc = include_str!("../README.md")]

mod answer_key;
mod anthropic;
mod app;
mod behaviour;
mod caller;
mod chance;
mod gemini;
mod limit;
mod openai;
mod paced;
mod protocol;
mod query;
mod record;
mod request_body;
mod response_body;
mod route;
mod serve;
mod server;
mod settings;

pub use answer_key::{AnswerKey, AnswerKeyError};
pub use chance::{Share, ShareFault};
pub use record::{CallRecord, Peaks, Stats, Traffic};
pub use server::{Gateway, GatewayError};
pub use settings::GatewaySettings;
