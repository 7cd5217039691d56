use std::{fmt, sync::Arc};

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::base64;

/// Beginning of a secret of a webhook.
const KIND: &str = "whsec_";
/// Number of bytes that a secret may have.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Error in the secrets of webhooks. Secrets are counted from 1, and no part of one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    #[error("secret {position} must be {KIND} and then 24 to 64 bytes in base64")]
    Malformed { position: usize },
}

/// Signs the requests of webhooks, so that a receiver knows that they are ours and were not changed. Cheap to clone.
///
/// The signature is that of the Standard Webhooks specification 1.0.0, with a symmetric key (`v1`).
#[derive(Clone)]
pub struct Signer(Arc<[hmac::Key]>);

impl Signer {
    /// Reads one or more secrets, separated by commas. A request has a signature of each, so that receivers can
    /// change from one secret to the next.
    pub fn parse(secrets: &SecretString) -> Result<Self, SignerError> {
        let parts = secrets.expose_secret().split(',').map(str::trim).zip(1..);
        let keys = parts.map(|(secret, position)| key(secret).ok_or(SignerError::Malformed { position }));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// Returns the value of the header `webhook-signature` of a request.
    ///
    /// * `id`: value of the header `webhook-id`. It must have no dot.
    /// * `sent_at`: value of the header `webhook-timestamp`, in seconds since 1970.
    pub fn sign(&self, id: &str, sent_at: i64, body: &[u8]) -> String {
        let head = format!("{id}.{sent_at}.");
        let signature = |key| {
            let mut context = hmac::Context::with_key(key);
            context.update(head.as_bytes());
            context.update(body);
            format!("v1,{}", base64::encode(context.sign().as_ref()))
        };
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Signer {
    /// Writes no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

fn key(secret: &str) -> Option<hmac::Key> {
    let bytes = Zeroizing::new(base64::decode(secret.strip_prefix(KIND)?)?);
    BYTES.contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its signature below was checked with Python's `hmac`.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signer(secrets: &str) -> Result<Signer, SignerError> {
        Signer::parse(&SecretString::from(secrets))
    }

    #[test]
    fn the_signature_is_that_of_the_specification() {
        let signed = signer(SECRET).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_of_several_secrets_signs() {
        let other = format!("whsec_{}", "QUJD".repeat(8));
        let both = signer(&format!("{SECRET}, {other}")).unwrap().sign("a", 1, b"{}");
        let want = [SECRET, &other].map(|secret| signer(secret).unwrap().sign("a", 1, b"{}"));
        assert_eq!(both, want.join(" "));
        assert_ne!(want[0], want[1]);
    }

    #[test]
    fn what_is_no_secret_is_refused_by_its_position_and_not_shown() {
        let short = format!("whsec_{}", "QUJD".repeat(7));
        let long = format!("whsec_{}", "QUJD".repeat(22));
        for wrong in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_",
            "whsec_MfKQ9r8GKY*rTwjUPD8ILPZIo2LaLaSw",
            &short,
            &long,
        ] {
            let error = signer(&format!("{SECRET},{wrong}")).unwrap_err();
            assert_eq!(error, SignerError::Malformed { position: 2 }, "{wrong}");
        }
        assert_eq!(format!("{:?}", signer(SECRET).unwrap()), "Signer(1 secrets)");
    }
}
