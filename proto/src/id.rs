use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Error for a text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: expected {kind}_ and 32 hex digits")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident = $prefix:literal) => {
        $(#[$doc])*
        ///
        /// Ids that runmill makes are UUIDv7, so they sort by the time at which they were made. As text, in JSON and
        /// in logs, an id has its kind as a prefix; in MessagePack it is the 16 bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError { text: text.chars().take(64).collect(), kind: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(self.0.as_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Id;

                // Reads both forms, because inside a tagged enum serde no longer knows which format it reads.
                impl de::Visitor<'_> for Id {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $prefix, " id"))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<$name, E> {
                        Uuid::from_slice(bytes).map($name).map_err(E::custom)
                    }
                }

                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Id)
                } else {
                    deserializer.deserialize_bytes(Id)
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-f]{32}$")))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

id! {
    /// Id of a run: a provider, a model, a dataset and a configuration, submitted together.
    RunId = "run"
}
id! {
    /// Id of a provider, an account at a model API. It also names the provider's lane.
    ProviderId = "prov"
}
id! {
    /// Id of a dataset: a sequence of items.
    DatasetId = "data"
}
id! {
    /// Id of an invocation: one pass of a job through the model client. It is made before the call, so that a record
    /// that arrives twice is recognised.
    InvocationId = "inv"
}
id! {
    /// Id of a bearer token of the API. It is no secret.
    TokenId = "tok"
}
id! {
    /// Id of an entry of the audit log.
    AuditId = "aud"
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));

    #[test]
    fn text_carries_the_kind_and_comes_back() {
        assert_eq!(RUN.to_string(), "run_01900000000070008000000000000001");
        assert_eq!(RUN.to_string().parse(), Ok(RUN));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        for text in
            ["prov_01900000000070008000000000000001", "run_", "run_zz", "01900000000070008000000000000001"]
        {
            let error = text.parse::<RunId>().unwrap_err().to_string();
            assert!(error.contains("is not a run id"), "{text}: {error}");
        }
    }
}
