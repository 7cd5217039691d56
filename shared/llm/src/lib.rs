//! The one way to call a model.
//!
//! A [`Factory`] hands out a [`Client`] for each provider. A client is an adapter for the provider's wire protocol
//! ([`protocol`]) under layers, outermost first:
//!
//! | layer | does |
//! | --- | --- |
//! | observe | span, one log line, metrics |
//! | retry | by the reason of the error; backoff with full jitter; the server's own delay honoured |
//! | permit | the lane's [`Gate`](runmill_quota::Gate): a retry that sleeps holds no slot |
//! | wiring | the provider's settings of the moment, and the key that has room |
//! | timeout | first token, idle, total: of one attempt, the wait for its slot excluded |
//! | negotiate | asks again without what the provider rejected, within the same attempt |
//! | exchange | one HTTP request, streamed or buffered |
//!
//! An answer counts only when its terminator arrived. An error says what to do about it:
//! [`ModelError::advice`].

mod client;
mod error;
mod factory;
mod interrupts;
mod invoked;
mod keys;
mod layer;
mod policy;
mod progress;
pub mod protocol;
mod random;
mod redact;
mod request;
mod resolver;
mod response;
pub mod retry_after;
pub mod sse;
mod target;
mod transport;

pub use client::Client;
pub use error::{Advice, Fix, ModelError, TimeoutPhase};
pub use factory::{Factory, FactorySettings};
pub use interrupts::Interrupts;
pub use invoked::{Invoked, Unanswered};
pub use policy::{CallPolicy, PolicySource};
pub use random::Random;
pub use request::{ChatMessage, ChatRequest, Part, Role};
pub use response::{ChatResponse, Finish};
pub use target::{Target, TargetError, TargetKey};
