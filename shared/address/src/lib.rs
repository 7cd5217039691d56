//! Checks of the addresses that providers may have.
//!
//! [`BaseUrl`] is the one reader of a provider's base URL, and [`AddressRules`] say which addresses may be called: those
//! that a base URL names, and those that its host's name is resolved to.

mod base_url;
mod rules;

pub use base_url::{BaseUrl, BaseUrlError};
pub use rules::{ALLOW_HTTP, ALLOW_LINK_LOCAL, AddressError, AddressRules};
