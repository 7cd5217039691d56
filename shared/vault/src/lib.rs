//! Secrets at rest: sealed with AES-256-GCM, bound to the row that they belong to.
//!
//! A sealed value opens only with the key that sealed it and only for its [`Owner`]: copied to another row or
//! changed in one bit, it does not. Keys rotate: the first of the [`Keyring`] seals, all of them open,
//! and [`Keyring::reseal`] brings old values under the first.
//!
//! What is not protected: that a secret exists, its length, and an older value put back into its own row.

mod error;
mod key;
mod keyring;
mod mask;
mod sealed;

pub use error::{KeyError, OpenError};
pub use key::KeyId;
pub use keyring::{Keyring, Opener, Owner, Sealer, generate_hex};
pub use mask::mask;
