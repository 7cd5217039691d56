//! Checks of the addresses that providers and webhooks may have.
//!
//! Only [`BaseUrl`] reads a provider's base URL. [`AddressRules`] decide which addresses may be called: they check
//! the address in a base URL, and those to which its host's name is resolved. [`Proxy`] reads the way of
//! the calls. [`WebhookUrl`] reads the URL of a webhook, and [`WebhookHosts`] say where it may lead.

mod base_url;
mod proxy;
mod resolved;
mod rules;
mod webhook_hosts;
mod webhook_url;

pub use base_url::{BaseUrl, BaseUrlError};
pub use proxy::{Proxy, ProxyError};
pub use resolved::NameRefused;
pub use rules::{ALLOW_HTTP, ALLOW_LINK_LOCAL, AddressError, AddressRules, is_this_machine};
pub use webhook_hosts::{WebhookHosts, WebhookHostsError};
pub use webhook_url::{WebhookUrl, WebhookUrlError};
