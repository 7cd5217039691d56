use std::fmt;

use secrecy::SecretString;

const LENGTH_MIN: usize = 16;

/// What the bearer of a token may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read and watch.
    Observe,
    /// Start and stop runs, upload datasets.
    Submit,
    /// Providers, their keys, and settings.
    Admin,
}

impl Access {
    pub const ALL: &[Self] = &[Self::Observe, Self::Submit, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A bearer token of the HTTP API.
#[derive(Clone, Debug)]
pub struct Token {
    pub access: Access,
    pub value: SecretString,
}

impl Token {
    /// Reads `role:token,role:token`; faults name a token by its place, from 1.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, Vec<String>> {
        let (mut tokens, mut faults) = (Vec::new(), Vec::new());
        for (index, part) in text.split(',').enumerate() {
            match Self::parse(part.trim()) {
                Ok(token) => tokens.push(token),
                Err(fault) => faults.push(format!("token {}: {fault}", index + 1)),
            }
        }
        if faults.is_empty() { Ok(tokens) } else { Err(faults) }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let (role, value) = text.split_once(':').ok_or("not role:token")?;
        let access = Access::ALL.iter().copied().find(|access| access.as_str() == role);
        let access = access.ok_or("the role must be admin, submit or observe")?;
        if value.chars().count() < LENGTH_MIN {
            return Err("it must have 16 characters or more");
        }
        if !value.chars().all(|c| c.is_ascii_graphic()) {
            return Err("it must be of printable ASCII characters, without spaces");
        }
        Ok(Self { access, value: value.into() })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_list_of_tokens_is_read() {
        let tokens = Token::parse_list("admin:0123456789abcdef, observe:with:colons:and=more").unwrap();

        let read: Vec<_> = tokens.iter().map(|it| (it.access, it.value.expose_secret())).collect();
        assert_eq!(read, [(Access::Admin, "0123456789abcdef"), (Access::Observe, "with:colons:and=more")]);
    }

    #[test]
    fn every_token_that_cannot_be_used_is_named_and_none_is_shown() {
        let faults = Token::parse_list(
            "admin:0123456789abcdef,secret-without-role,root:0123456789abcdef,submit:secret,submit:secret with spaces",
        )
        .unwrap_err();
        assert_eq!(
            faults,
            [
                "token 2: not role:token",
                "token 3: the role must be admin, submit or observe",
                "token 4: it must have 16 characters or more",
                "token 5: it must be of printable ASCII characters, without spaces",
            ]
        );
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = Token::parse_list("admin:0123456789abcdef").unwrap();
        assert!(!format!("{token:?}").contains("0123"), "{token:?}");
    }

    #[test]
    fn who_may_do_more_may_do_the_rest() {
        assert!(Access::Admin > Access::Submit && Access::Submit > Access::Observe);
    }
}
