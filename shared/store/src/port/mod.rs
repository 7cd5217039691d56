//! One port for each concern. Reading and writing are separate traits, so that a process has only those that it uses.

pub mod answers;
pub mod audit;
pub mod batches;
pub mod budgets;
pub mod datasets;
pub mod evaluations;
pub mod events;
pub mod exchange;
pub mod feed;
pub mod files;
pub mod job_states;
pub mod leader;
pub mod logs;
pub mod providers;
pub mod results;
pub mod retention;
pub mod runs;
pub mod scaling;
pub mod series;
pub mod server_time;
pub mod settings;
pub mod tokens;
pub mod usage;
pub mod webhooks;
