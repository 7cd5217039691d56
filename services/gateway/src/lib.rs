//! A model server whose every answer, delay and failure is chosen by the caller, for tests, demos
//! and benches: it speaks `OpenAI`'s chat API and needs no model.
//!
//! The model's name says what happens: a base, then modifiers, joined by `+`, as in
//! `key=0.8+ttft=200ms+tokens=64+fail=429:0.1`. The grammar is in [`behaviour`].
//!
//! Nothing is left to chance. Whether a call fails depends on the request and its attempt (header
//! `X-Client-Request-Id: <request>:<attempt>`), and whether an item is answered rightly on its id, so
//! the same run gives the same outcome every time, and a test can compute it beforehand.
//!
//! Every call is recorded (`GET /_gateway/calls`) and counted (`GET /_gateway/stats`), so that limits
//! and duplicates can be judged from the provider's side.

mod answer_key;
pub mod behaviour;
mod body;
mod caller;
mod chance;
mod openai;
mod paced;
mod record;
mod route;
mod server;
mod settings;

pub use answer_key::{AnswerKey, AnswerKeyError};
pub use chance::{Share, ShareFault};
pub use record::{CallRecord, Stats, Traffic};
pub use server::{Gateway, GatewayError};
pub use settings::GatewaySettings;
