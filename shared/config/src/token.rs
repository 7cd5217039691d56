pub use runmill_proto::Role;
use secrecy::SecretString;

const LENGTH_MIN: usize = 16;

/// A bearer token of the HTTP API.
#[derive(Clone, Debug)]
pub struct Token {
    pub role: Role,
    pub value: SecretString,
}

/// Error for a token of a list that cannot be used. The text names the position of the token, from 1, and does not
/// show the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token {position}: {error}")]
pub(crate) struct TokenListError {
    position: usize,
    error: TokenError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum TokenError {
    #[error("must be role:token")]
    NoRole,
    #[error("the role must be admin, submit or observe")]
    UnknownRole,
    #[error("must have {LENGTH_MIN} characters or more")]
    Short,
    #[error("must consist of printable ASCII characters, without spaces")]
    Characters,
}

impl Token {
    /// Reads `role:token,role:token`, and returns every fault if there are any.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, Vec<TokenListError>> {
        let (mut tokens, mut errors) = (Vec::new(), Vec::new());
        for (index, part) in text.split(',').enumerate() {
            match Self::parse(part.trim()) {
                Ok(token) => tokens.push(token),
                Err(error) => errors.push(TokenListError { position: index + 1, error }),
            }
        }
        if errors.is_empty() { Ok(tokens) } else { Err(errors) }
    }

    fn parse(text: &str) -> Result<Self, TokenError> {
        let (name, value) = text.split_once(':').ok_or(TokenError::NoRole)?;
        let role = Role::ALL.iter().copied().find(|role| role.as_str() == name);
        let role = role.ok_or(TokenError::UnknownRole)?;
        if value.chars().count() < LENGTH_MIN {
            return Err(TokenError::Short);
        }
        if !value.chars().all(|c| c.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(Self { role, value: value.into() })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_list_of_tokens_is_read() {
        let tokens = Token::parse_list("admin:0123456789abcdef, observe:with:colons:and=more").unwrap();

        let read: Vec<_> = tokens.iter().map(|it| (it.role, it.value.expose_secret())).collect();
        assert_eq!(read, [(Role::Admin, "0123456789abcdef"), (Role::Observe, "with:colons:and=more")]);
    }

    #[test]
    fn every_token_that_cannot_be_used_is_named_and_none_is_shown() {
        let errors = Token::parse_list(
            "admin:0123456789abcdef,secret-without-role,root:0123456789abcdef,submit:secret,submit:secret with spaces",
        )
        .unwrap_err();
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "token 2: must be role:token",
                "token 3: the role must be admin, submit or observe",
                "token 4: must have 16 characters or more",
                "token 5: must consist of printable ASCII characters, without spaces",
            ]
        );
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = Token::parse_list("admin:0123456789abcdef").unwrap();
        assert!(!format!("{token:?}").contains("0123"), "{token:?}");
    }
}
