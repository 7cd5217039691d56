//! The HTTP API over a real socket, with an `SQLite` file behind it.

mod access;
mod bad_input;
mod request_id;
mod server;
mod submitting;
