//! Servers for tests: shared ones, private ones that a test may stop, a pooler, a proxy that breaks connections, a
//! private authority, and a terminal.

mod amqp;
mod authority;
mod dead_port;
mod drop;
mod link;
mod open_files;
mod pgbouncer;
mod port;
pub mod postgres;
mod proxy;
mod queues;
mod rabbit;
mod terminal;

pub use amqp::{amqp_url, unique_prefix};
pub use authority::{Authority, Issued, Valid};
pub use dead_port::DeadPort;
pub use drop::finish_in_drop;
pub use link::{Link, Quality};
pub use open_files::allow_open_files;
pub use pgbouncer::PgBouncer;
pub use port::free_port;
pub use proxy::Proxy;
pub use queues::{Tap, delete_queues, ready_messages};
pub use rabbit::{PrivateRabbit, start_rabbit_cluster};
pub use terminal::Terminal;
