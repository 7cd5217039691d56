//! What tests need of the world: servers, private servers, and ways to break connections.

mod amqp;
mod drop;
pub mod postgres;
mod proxy;
mod queues;
mod rabbit;

pub use amqp::{amqp_url, unique_prefix};
pub use drop::finish_in_drop;
pub use proxy::Proxy;
pub use queues::{Tap, delete_queues, ready_messages};
pub use rabbit::PrivateRabbit;
