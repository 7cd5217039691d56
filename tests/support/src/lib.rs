//! What tests need of the world: servers, private servers, and ways to break connections.

mod amqp;
pub mod postgres;
mod proxy;
mod queues;
mod rabbit;

pub use amqp::{amqp_url, unique_prefix};
pub use proxy::Proxy;
pub use queues::{Tap, ready_messages};
pub use rabbit::PrivateRabbit;
