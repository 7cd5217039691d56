//! One port for each concern. Reading and writing are separate traits, so that a process has only those that it uses.

pub mod audit;
pub mod budgets;
pub mod datasets;
pub mod events;
pub mod exchange;
pub mod feed;
pub mod job_states;
pub mod leader;
pub mod logs;
pub mod providers;
pub mod results;
pub mod retention;
pub mod runs;
pub mod server_time;
pub mod settings;
pub mod tokens;
