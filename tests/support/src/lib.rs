//! What tests need of the world: servers, private servers, and ways to break connections.

pub mod postgres;
