//! Codes that sign a browser in without showing it a token.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runmill_vault::generate_hex;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// Time after which a code is no longer taken.
const VALID_FOR: Duration = Duration::from_mins(10);
/// Largest number of codes at a time. The oldest goes first.
const CODES_MAX: usize = 16;

/// Codes of this process, each for a token. A code works once.
#[derive(Clone, Default)]
pub struct SignInCodes(Arc<Mutex<VecDeque<Code>>>);

struct Code {
    text: SecretString,
    token: SecretString,
    issued_at: Instant,
}

impl SignInCodes {
    /// Returns a code that signs in with `token`, once, within ten minutes.
    pub fn issue(&self, token: SecretString) -> SecretString {
        let code = generate_hex();
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() == CODES_MAX {
            codes.pop_front();
        }
        codes.push_back(Code { text: code.clone(), token, issued_at: Instant::now() });
        code
    }

    /// Returns the token of a code, and forgets it.
    pub fn redeem(&self, presented: &str) -> Option<SecretString> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|code| code.issued_at.elapsed() < VALID_FOR);
        let is_presented =
            |code: &Code| bool::from(code.text.expose_secret().as_bytes().ct_eq(presented.as_bytes()));
        let at = codes.iter().position(is_presented)?;
        codes.remove(at).map(|code| code.token)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_code_works_once_and_not_for_long() {
        let codes = SignInCodes::default();
        let redeemed = |code: &SecretString| codes.redeem(code.expose_secret()).is_some();
        let (one, other) = (codes.issue("a".into()), codes.issue("b".into()));
        assert_eq!(codes.redeem(one.expose_secret()).unwrap().expose_secret(), "a");
        assert!(!redeemed(&one), "it was used");
        assert!(codes.redeem("absent").is_none());
        advance(VALID_FOR).await;
        assert!(!redeemed(&other), "it is too old");
    }

    #[test]
    fn old_codes_make_room() {
        let codes = SignInCodes::default();
        let first = codes.issue("a".into());
        for _ in 0..CODES_MAX {
            codes.issue("b".into());
        }
        assert!(codes.redeem(first.expose_secret()).is_none());
    }
}
