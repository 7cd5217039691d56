//! Tests of the HTTP API over a real socket, with a store in an `SQLite` file.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod access;
mod bad_input;
mod batches;
mod control;
mod deleting;
mod description;
mod evaluations;
mod exports;
mod failing;
mod front_door;
mod hostile;
mod judges;
mod lighteval;
mod pages;
mod providers;
mod ranges;
mod request_id;
mod results;
mod resuming;
mod scaling;
mod scores;
mod server;
mod smoke_testing;
mod submitting;
mod tenants;
mod tokens;
mod walk;
mod webhooks;
