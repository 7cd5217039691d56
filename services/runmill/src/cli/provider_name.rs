use std::str::FromStr;

use runmill_proto::{ParseIdError, ProviderId};

/// Name by which a user means a provider of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderName {
    Id(ProviderId),
    Named(String),
}

/// Beginning of the text of a provider's id.
const ID_PREFIX: &str = "prov_";

impl FromStr for ProviderName {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.starts_with(ID_PREFIX) {
            text.parse().map(Self::Id)
        } else {
            Ok(Self::Named(text.to_owned()))
        }
    }
}
