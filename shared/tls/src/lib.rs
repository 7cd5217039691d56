//! TLS of listeners and of connections to other servers, from PEM files that are read again when they change.

mod client;
mod error;
mod fault;
mod files;
mod reloaded;
mod server;
mod verifier;

pub use client::{ClientFiles, ClientTls, PeerCheck};
pub use error::TlsError;
pub use fault::{HandshakeFault, SettingNames};
pub use files::Identity;
pub use reloaded::Reload;
pub use server::{ServerFiles, ServerTls};
