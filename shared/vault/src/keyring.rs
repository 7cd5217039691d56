use std::{fmt, sync::Arc};

use ring::{
    aead::{Aad, Nonce},
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    KeyError, KeyId, OpenError,
    key::{self, KEY_BYTES, Key},
    sealed::{self, Sealed},
};

/// Row that a sealed value belongs to. The value opens for no other row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub table: &'static str,
    pub row: Uuid,
}

impl Owner {
    /// Returns a row of the table that holds providers' keys and headers.
    pub const fn provider_secret(row: Uuid) -> Self {
        Self { table: "provider_secrets", row }
    }

    /// Returns the run whose token LightEval has.
    pub const fn evaluation(run: Uuid) -> Self {
        Self { table: "evaluations", row: run }
    }

    /// Returns the request that carries a key for its answer. It is in no table.
    pub(crate) const fn reply_key(request: Uuid) -> Self {
        Self { table: "reply_keys", row: request }
    }

    /// Returns the answer to a request. It is in no table.
    pub(crate) const fn reply(request: Uuid) -> Self {
        Self { table: "replies", row: request }
    }

    /// Returns the bytes that authenticate the owner. The row comes last and has a fixed length, so no two owners have the
    /// same bytes.
    fn aad(self) -> Aad<Vec<u8>> {
        Aad::from([self.table.as_bytes(), self.row.as_bytes()].concat())
    }
}

/// The keys of `ENCRYPTION_KEY`. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

struct Keys {
    /// Key that seals new values.
    first: Key,
    older: Vec<Key>,
}

impl Keyring {
    /// Reads one or more keys of 64 hex digits, separated by commas. The first seals; all open.
    pub fn parse(keys: &SecretString) -> Result<Self, KeyError> {
        let mut parts = keys.expose_secret().split(',').map(str::trim).enumerate();
        let (_, first) = parts.next().expect("a split has at least one part");
        let first = Key::parse(1, first)?;
        let mut ids = vec![first.id];
        let mut older = Vec::new();
        for (index, part) in parts {
            let (key, position) = (Key::parse(index + 1, part)?, index + 1);
            if let Some(same) = ids.iter().position(|id| *id == key.id) {
                return Err(KeyError::Duplicate { position, first: same + 1 });
            }
            ids.push(key.id);
            older.push(key);
        }
        Ok(Self(Arc::new(Keys { first, older })))
    }

    pub fn sealer(&self) -> Sealer {
        Sealer(self.clone())
    }

    pub fn opener(&self) -> Opener {
        Opener(self.clone())
    }

    /// Seals the same secret under the first key. Returns `None` if it is already sealed under that key.
    pub fn reseal(&self, owner: Owner, sealed: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let secret = self.open(owner, sealed)?;
        let current = Sealed::parse(sealed)?.key_id == self.0.first.id;
        Ok((!current).then(|| self.seal(owner, secret.expose_secret())))
    }

    /// Returns the ids of the keys, beginning with that of the sealing key.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(|key| key.id)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.0.first).chain(&self.0.older)
    }

    fn seal(&self, owner: Owner, secret: &str) -> Vec<u8> {
        let key = &self.0.first;
        let nonce = random();
        let mut buffer = Zeroizing::new(secret.as_bytes().to_vec());
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        let tag = key
            .aead
            .seal_in_place_separate_tag(nonce_once, owner.aad(), &mut buffer)
            .expect("a secret is far below the 64 GiB that GCM takes");
        let mut bytes = sealed::header(key.id, &nonce, buffer.len());
        bytes.extend_from_slice(&buffer);
        bytes.extend_from_slice(tag.as_ref());
        bytes
    }

    fn open(&self, owner: Owner, bytes: &[u8]) -> Result<SecretString, OpenError> {
        let sealed = Sealed::parse(bytes)?;
        let key = self.keys().find(|key| key.id == sealed.key_id);
        let key = key.ok_or(OpenError::UnknownKey(sealed.key_id))?;
        let mut buffer = Zeroizing::new(sealed.ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let plain =
            key.aead.open_in_place(nonce, owner.aad(), &mut buffer).map_err(|_| OpenError::Altered)?;
        let text = std::str::from_utf8(plain).map_err(|_| OpenError::Altered)?;
        Ok(SecretString::from(text))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.ids().map(|id| id.to_string());
        f.debug_tuple("Keyring").field(&ids.collect::<Vec<_>>()).finish()
    }
}

/// A keyring that only seals, for services that receive secrets and must not read them again.
#[derive(Clone, Debug)]
pub struct Sealer(Keyring);

impl Sealer {
    pub fn seal(&self, owner: Owner, secret: &SecretString) -> Vec<u8> {
        self.0.seal(owner, secret.expose_secret())
    }
}

/// A keyring that only opens, for services that use secrets.
#[derive(Clone, Debug)]
pub struct Opener(Keyring);

impl Opener {
    pub fn open(&self, owner: Owner, sealed: &[u8]) -> Result<SecretString, OpenError> {
        self.0.open(owner, sealed)
    }
}

/// Generates a key as `ENCRYPTION_KEY` takes it, from the operating system's random numbers.
pub fn generate_hex() -> SecretString {
    let bytes = Zeroizing::new(random::<KEY_BYTES>());
    SecretString::from(key::encode(&bytes).as_str())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Owner = Owner { table: "provider_keys", row: Uuid::from_u128(1) };

    fn ring(keys: &[&str]) -> Keyring {
        Keyring::parse(&keys.join(",").into()).unwrap()
    }

    fn key(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn seal(ring: &Keyring, owner: Owner, secret: &str) -> Vec<u8> {
        ring.sealer().seal(owner, &secret.into())
    }

    fn open(ring: &Keyring, owner: Owner, sealed: &[u8]) -> Result<String, OpenError> {
        Ok(ring.opener().open(owner, sealed)?.expose_secret().to_owned())
    }

    #[test]
    fn a_key_that_cannot_be_read_is_named_by_its_place_and_not_shown() {
        let (a, b) = (key('a'), key('b'));
        let table = [
            (String::new(), KeyError::Length { position: 1, digits: 0 }),
            (a[..63].to_owned(), KeyError::Length { position: 1, digits: 63 }),
            (format!("{a},{b}0"), KeyError::Length { position: 2, digits: 65 }),
            (format!("{a},"), KeyError::Length { position: 2, digits: 0 }),
            (format!("{a},{}", key('g')), KeyError::NotHex { position: 2 }),
            (key('é'), KeyError::NotHex { position: 1 }),
            (format!("{a}, {b},{}", a.to_uppercase()), KeyError::Duplicate { position: 3, first: 1 }),
        ];
        for (keys, want) in table {
            let error = Keyring::parse(&keys.as_str().into()).unwrap_err();
            assert_eq!(error, want, "{keys}");
            assert!(!error.to_string().contains("aaaa"), "{error}");
        }
    }

    #[test]
    fn nothing_printed_holds_a_key() {
        let ring = ring(&[&key('a'), &key('b')]);
        for text in [format!("{ring:?}"), format!("{:?} {:?}", ring.sealer(), ring.opener())] {
            assert!(!text.contains("aaaa") && !text.contains("170, 170"), "{text}");
        }
    }

    #[test]
    fn a_sealed_value_moved_elsewhere_does_not_open() {
        let ring = ring(&[&key('a')]);
        let sealed = seal(&ring, HERE, "sk-secret");

        let other_row = Owner { row: Uuid::from_u128(2), ..HERE };
        let other_table = Owner { table: "provider_headers", ..HERE };

        assert_eq!(open(&ring, HERE, &sealed).as_deref(), Ok("sk-secret"));
        assert_eq!(open(&ring, other_row, &sealed), Err(OpenError::Altered));
        assert_eq!(open(&ring, other_table, &sealed), Err(OpenError::Altered));
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let ring = ring(&[&key('a')]);
        assert_ne!(seal(&ring, HERE, "sk"), seal(&ring, HERE, "sk"));
    }

    #[test]
    fn after_a_rotation_old_values_open_and_can_be_brought_under_the_new_key() {
        let (old, new) = (key('a'), key('b'));
        let sealed = seal(&ring(&[&old]), HERE, "sk-secret");
        let rotating = ring(&[&new, &old]);
        let rotated = ring(&[&new]);

        assert_eq!(open(&rotating, HERE, &sealed).as_deref(), Ok("sk-secret"));
        let resealed = rotating.reseal(HERE, &sealed).unwrap().expect("it was under the old key");

        assert_eq!(open(&rotated, HERE, &resealed).as_deref(), Ok("sk-secret"));
        assert_eq!(rotating.reseal(HERE, &resealed), Ok(None));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let sealer = ring(&[&key('a')]);
        let id = sealer.ids().next().unwrap();

        let error = open(&ring(&[&key('b')]), HERE, &seal(&sealer, HERE, "sk")).unwrap_err();

        assert_eq!(error, OpenError::UnknownKey(id));
        assert!(error.to_string().contains(&format!("encrypted with key {id}, ")), "{error}");
    }

    #[test]
    fn what_is_no_sealed_value_says_so() {
        let ring = ring(&[&key('a')]);
        let sealed = seal(&ring, HERE, "");
        for length in 0..sealed.len() {
            assert_eq!(open(&ring, HERE, &sealed[..length]), Err(OpenError::TooShort), "{length} bytes");
        }
        assert_eq!(open(&ring, HERE, b"plain text"), Err(OpenError::UnknownFormat(b'p')));
    }

    #[test]
    fn a_generated_key_is_a_key() {
        let (one, two) = (generate_hex(), generate_hex());
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert!(Keyring::parse(&one).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_its_bytes_do_not_show_it(secret in "\\PC{4,200}") {
            let ring = ring(&[&key('a')]);
            let sealed = seal(&ring, HERE, &secret);
            prop_assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()));
            prop_assert_eq!(open(&ring, HERE, &sealed), Ok(secret));
        }

        #[test]
        fn a_flipped_bit_anywhere_keeps_it_shut(secret in "\\PC{0,40}", at: prop::sample::Index) {
            let ring = ring(&[&key('a')]);
            let mut sealed = seal(&ring, HERE, &secret);
            let bit = at.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&ring, HERE, &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_refused_in_peace(bytes: Vec<u8>) {
            prop_assert!(open(&ring(&[&key('a')]), HERE, &bytes).is_err());
        }
    }
}
