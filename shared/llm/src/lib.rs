//! The model client, through which every call to a model goes.
//!
//! A [`Factory`] returns a [`Client`] for each provider. A client is an adapter for the provider's wire protocol
//! ([`protocol`]) inside of these layers, outermost first:
//!
//! | layer | does |
//! | --- | --- |
//! | observe | writes a span, one log line and metrics for each call |
//! | retry | decides by the kind of the error if the call is retried; waits as long as the server asks, plus a
//! backoff with full jitter |
//! | permit | waits until the provider's [`Lane`](runmill_quota::Lane) admits the attempt; no slot is held between attempts |
//! | wiring | applies the provider's newest settings, and chooses a key |
//! | timeout | limits an attempt's time to the first token, between tokens, and in all; the wait for a slot is excluded |
//! | negotiate | repeats the request in another form when the provider refuses its form, within the same attempt; one call
//! finds the form, and the others wait for it |
//! | exchange | sends one HTTP request and reads its answer, streamed or buffered |
//!
//! The parts of a streamed answer can be told as they arrive ([`DeltaSink`]). From the first part on, the call is not
//! retried.
//!
//! A stream is complete with its terminator, or with a reason to stop and a clean end of its body, so a truncated answer
//! is an error. What is thinking in a complete answer, and how it differs from what was asked for, is reviewed in one
//! place for all protocols. [`ModelError::advice`] returns the next step after an error.

mod base_url_hint;
mod client;
mod error;
mod factory;
mod interrupts;
mod invoked;
mod keys;
mod layer;
mod metered;
mod policy;
pub mod protocol;
mod random;
mod rate_headers;
mod redact;
mod request;
mod response;
pub mod retry_after;
mod review;
mod sink;
pub mod sse;
mod target;
mod tracker;
mod transport;

pub use client::Client;
pub use error::{Advice, ModelError, TimeoutPhase};
pub use factory::{Factory, FactorySettings};
pub use interrupts::Interrupts;
pub use invoked::{Invoked, Unanswered};
pub use metered::{Billing, Metered, ToldCost};
pub use policy::{CallBudgets, CallPolicy, PolicySource};
pub use random::Random;
pub use request::ChatRequest;
pub use response::ChatResponse;
pub use runmill_proto::chat::{Delta, Finish, Message as ChatMessage, Part, Role};
pub use sink::DeltaSink;
pub use target::{Target, TargetError, TargetKey};
