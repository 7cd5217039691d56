use secrecy::SecretString;
use uuid::Uuid;

use crate::{Keyring, OpenError, Opener, Owner, Sealer, generate_hex};

/// A key for the answer to one request, by which a process asks another one for a secret over a broker.
///
/// The request has the key, sealed with the keyring that both processes share. So only a process with that keyring can ask,
/// only one can answer, and whoever reads the messages learns nothing.
pub struct ReplyKey {
    hex: SecretString,
    keyring: Keyring,
}

impl ReplyKey {
    pub fn generate() -> Self {
        let hex = generate_hex();
        let keyring = Keyring::parse(&hex).expect("a generated key is a key");
        Self { hex, keyring }
    }

    /// Returns the key as the request with this id carries it.
    pub fn sealed(&self, sealer: &Sealer, request: Uuid) -> Vec<u8> {
        sealer.seal(Owner::reply_key(request), &self.hex)
    }

    /// Reads the key of the request with this id.
    pub fn unseal(opener: &Opener, request: Uuid, sealed: &[u8]) -> Result<Self, OpenError> {
        let hex = opener.open(Owner::reply_key(request), sealed)?;
        let keyring = Keyring::parse(&hex).map_err(|_| OpenError::Altered)?;
        Ok(Self { hex, keyring })
    }

    /// Seals the answer to the request with this id.
    pub fn seal(&self, request: Uuid, answer: &SecretString) -> Vec<u8> {
        self.keyring.sealer().seal(Owner::reply(request), answer)
    }

    /// Opens the answer to the request with this id.
    pub fn open(&self, request: Uuid, sealed: &[u8]) -> Result<SecretString, OpenError> {
        self.keyring.opener().open(Owner::reply(request), sealed)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const REQUEST: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn keyring() -> Keyring {
        Keyring::parse(&generate_hex()).unwrap()
    }

    #[test]
    fn an_answer_reaches_the_process_that_asked() {
        let shared = keyring();
        let asked = ReplyKey::generate();
        let carried = asked.sealed(&shared.sealer(), REQUEST);

        let found = ReplyKey::unseal(&shared.opener(), REQUEST, &carried).unwrap();
        let answer = found.seal(REQUEST, &"sk-secret".into());

        assert_eq!(asked.open(REQUEST, &answer).unwrap().expose_secret(), "sk-secret");
        assert!(asked.open(OTHER, &answer).is_err(), "of another request");
        assert!(ReplyKey::generate().open(REQUEST, &answer).is_err(), "with another key");
    }

    #[test]
    fn a_process_without_the_keyring_can_neither_ask_nor_answer() {
        let (shared, stranger) = (keyring(), keyring());
        let forged = ReplyKey::generate().sealed(&stranger.sealer(), REQUEST);
        let carried = ReplyKey::generate().sealed(&shared.sealer(), REQUEST);

        assert!(ReplyKey::unseal(&shared.opener(), REQUEST, &forged).is_err());
        assert!(ReplyKey::unseal(&stranger.opener(), REQUEST, &carried).is_err());
        assert!(ReplyKey::unseal(&shared.opener(), OTHER, &carried).is_err(), "in another request");
    }
}
