//! HTTP clients for addresses that users name: those of providers and of webhooks.
//!
//! Such a client connects only to addresses that the [`AddressRules`](runmill_address::AddressRules) permit, after its
//! [`Resolver`] has resolved the name, follows no redirect, repeats nothing by itself, and goes the way of [`Egress`].

mod client;
mod egress;
mod failure;
mod resolver;

pub use client::client;
pub use egress::Egress;
pub use failure::{causes, words};
pub use resolver::Resolver;
