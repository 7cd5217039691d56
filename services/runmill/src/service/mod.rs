//! Composition of the services: each as a process of a cluster, or all in one process.

mod clock;
mod cluster;
mod data_dir;
mod database;
mod dead_letters;
mod first_token;
mod lighteval;
mod parts;
mod secrets;
pub mod standalone;

pub use cluster::{dispatcher, executor, log_sink};
pub use data_dir::DATABASE_FILE;
pub use parts::{broker_settings, close as close_broker, connect_broker, connect_store, open_store};
pub use secrets::key_file;
pub use standalone::serve;
