//! Tests of the gateway over TCP, which check the bytes.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod answers;
mod anthropic;
mod chat;
mod client;
mod data;
mod failures;
mod gemini;
mod keys;
mod limits;
mod recording;
mod responses;
