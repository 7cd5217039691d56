//! The commands, one file each.

pub mod audit;
pub mod backup;
pub mod dataset;
pub mod dead;
pub mod demo;
pub mod doctor;
mod follow;
pub mod gateway;
pub mod generated;
pub mod healthcheck;
pub mod keys;
pub mod lighteval;
pub mod migrate;
mod place;
pub mod providers;
pub mod prune;
pub mod run;
pub mod runs;
pub mod smoke_test;
mod suite;
pub mod tokens;
pub mod top;
pub mod view;

/// Prints a value as one JSON document.
fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(crate::screen::print_data(serde_json::to_string_pretty(value)?)?)
}
