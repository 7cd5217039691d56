//! The front door's wire formats: requests of OpenAI's and Anthropic's clients, and the answers that they can read.
//!
//! [`read`] translates a request into a [`Conversation`](runmill_proto::chat::Conversation), [`write()`] an answer into the
//! body of a buffered reply, and [`ReplyStream`] the parts of an answer into Server-Sent Events. [`Refusal`] is an error
//! in the shape of either protocol. Nothing here does I/O, reads a clock or knows a service.

pub mod batch;
mod endpoint;
mod estimate;
#[cfg(test)]
mod golden;
pub mod message_batch;
pub mod models;
mod recorded;
mod refusal;
mod reply;
mod request;
mod stream;

pub use endpoint::{Dialect, Endpoint};
pub use estimate::{estimate_prompt_tokens, token_count};
pub use recorded::{recorded_answer, recorded_failure};
pub use refusal::Refusal;
pub use reply::{ReplyHead, ReplyOptions, write};
pub use request::{Asked, read, read_value};
pub use stream::ReplyStream;
