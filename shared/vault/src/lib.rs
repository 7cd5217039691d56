//! Secrets at rest: *sealed* (encrypted) with AES-256-GCM and bound to their row, and *opened* (decrypted).
//!
//! A sealed value opens only with the key that sealed it and only for its [`Owner`]: a copy in another row does not open,
//! nor does a value with one changed bit. Keys rotate: the first key of the [`Keyring`] seals, all keys open, and
//! [`Keyring::reseal`] seals old values under the first.
//!
//! Three things are not protected: the existence of a secret, its length, and the replacement of a row's value by an
//! older value of the same row.
//!
//! A [`Signer`] signs requests to webhooks.

mod base64;
mod bearer;
mod error;
mod key;
mod keyring;
mod mask;
mod reply_key;
mod sealed;
mod signer;

pub use bearer::{Bearer, bearer_hash, bearer_prefix};
pub use error::{KeyError, OpenError};
pub use key::KeyId;
pub use keyring::{Keyring, Opener, Owner, Sealer, generate_hex};
pub use mask::mask;
pub use reply_key::ReplyKey;
pub use signer::{Signer, SignerError};
