//! The client from outside: what it reads from the wire, and what it does on a real connection.

mod logs;
mod server;
mod setup;
mod transport;
mod wire;
