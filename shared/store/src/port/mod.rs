//! The ports by concern. Reading and writing are traits of their own, so that a process holds only what it uses.

pub mod datasets;
pub mod events;
pub mod executors;
pub mod feed;
pub mod leader;
pub mod logs;
pub mod providers;
pub mod results;
pub mod runs;
pub mod settings;
