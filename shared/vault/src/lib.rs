//! Secrets at rest: sealed with AES-256-GCM, bound to the row that they belong to.
//!
//! A sealed value opens only with the key that sealed it and only for its [`Owner`]: a copy in another row does not open,
//! nor does a value with one changed bit. Keys rotate: the first key of the [`Keyring`] seals, all keys open, and
//! [`Keyring::reseal`] seals old values under the first.
//!
//! Three things are not protected: the existence of a secret, its length, and the row against an older value of its own
//! that somebody puts back.

mod error;
mod key;
mod keyring;
mod mask;
mod sealed;

pub use error::{KeyError, OpenError};
pub use key::KeyId;
pub use keyring::{Keyring, Opener, Owner, Sealer, generate_hex};
pub use mask::mask;
