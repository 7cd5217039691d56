pub mod datasets;
pub mod events;
pub mod executors;
pub mod feed;
pub mod providers;
pub mod results;
pub mod runs;
pub mod settings;
