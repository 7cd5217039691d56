use std::collections::BTreeMap;

use runmill_proto::api::NewApiKey;
use runmill_store::{ProviderRow, SealedSecret, SecretKind};
use runmill_vault::{Owner, Sealer, mask};
use uuid::Uuid;

/// Seals a provider's API keys and header values.
pub struct Secrets<'a> {
    pub sealer: &'a Sealer,
}

impl Secrets<'_> {
    pub fn keys(&self, keys: &[NewApiKey]) -> Vec<SealedSecret> {
        let seal = |key: &NewApiKey| SealedSecret {
            weight: key.weight,
            ..self.seal(SecretKind::ApiKey, &key.label, &key.value)
        };
        keys.iter().map(seal).collect()
    }

    pub fn headers(&self, headers: &BTreeMap<String, String>) -> Vec<SealedSecret> {
        headers.iter().map(|(name, value)| self.seal(SecretKind::Header, name, value)).collect()
    }

    pub fn replace_keys(&self, row: &mut ProviderRow, keys: &[NewApiKey]) {
        row.secrets.retain(|secret| secret.kind != SecretKind::ApiKey);
        row.secrets.extend(self.keys(keys));
    }

    pub fn replace_headers(&self, row: &mut ProviderRow, headers: &BTreeMap<String, String>) {
        row.secrets.retain(|secret| secret.kind != SecretKind::Header);
        row.secrets.extend(self.headers(headers));
    }

    fn seal(&self, kind: SecretKind, name: &str, value: &str) -> SealedSecret {
        let id = Uuid::now_v7();
        SealedSecret {
            id,
            kind,
            name: name.to_owned(),
            sealed: self.sealer.seal(Owner::provider_secret(id), &value.into()),
            masked: mask(value),
            weight: 1,
        }
    }
}
