//! Types that a column can have.

use std::{collections::BTreeMap, fmt::Display};

use jiff::Timestamp;
use runmill_proto::{
    AuditId, DatasetId, ErrorKind, InvocationId, Outcome, PauseCause, ProviderId, Remarks, Role, RunConfig,
    RunId, RunKind, RunStatus, Score, Tenant, TokenId, TokenLogprob, ToolCall, Usage,
    api::{
        Budget, Capabilities, ExecutorStatus, LightevalOutcome, ProviderKind, ProviderProtocol, RateLimit,
        RequestOverride, RetryOverride, Settings,
    },
    chat::Finish,
    lease::{LaneState, Leases, Scope},
    message::{Attempt, ClientNote},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::Value;
use crate::Talk;

/// A type that is stored in one column.
pub trait Stored: Sized {
    /// PostgreSQL's name of the column's type.
    const TYPE: &'static str;

    fn to_value(&self) -> Value<'_>;

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable>;
}

/// Error for a stored value that is invalid in its column.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the stored value is not of the type {0}")]
    Type(&'static str),
    #[error("{0}")]
    Content(String),
}

impl Unreadable {
    pub fn content(error: impl Display) -> Self {
        Self::Content(error.to_string())
    }
}

impl<T: Stored> Stored for Option<T> {
    const TYPE: &'static str = T::TYPE;

    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl Stored for bool {
    const TYPE: &'static str = "boolean";

    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Bool(is_true) => Ok(is_true),
            Value::Int(number) => Ok(number != 0),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

impl Stored for i64 {
    const TYPE: &'static str = "bigint";

    fn to_value(&self) -> Value<'_> {
        Value::Int(*self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Int(number) => Ok(number),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

/// A count is stored as a number that is not negative. A count above the column's range is stored as the maximum of
/// the range.
impl Stored for u64 {
    const TYPE: &'static str = "bigint";

    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        Self::try_from(i64::from_value(value)?).map_err(Unreadable::content)
    }
}

impl Stored for u32 {
    const TYPE: &'static str = "integer";

    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        Self::try_from(i64::from_value(value)?).map_err(Unreadable::content)
    }
}

impl Stored for String {
    const TYPE: &'static str = "text";

    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str().into())
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

impl Stored for Vec<u8> {
    const TYPE: &'static str = "bytea";

    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.to_owned()),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

impl Stored for Timestamp {
    const TYPE: &'static str = "timestamptz";

    fn to_value(&self) -> Value<'_> {
        Value::Time(*self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Time(time) => Ok(time),
            Value::Int(micros) => Self::from_microsecond(micros).map_err(Unreadable::content),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

impl Stored for Uuid {
    const TYPE: &'static str = "uuid";

    fn to_value(&self) -> Value<'_> {
        Value::Uuid(*self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Uuid(id) => Ok(id),
            Value::Bytes(bytes) => Self::from_slice(bytes).map_err(Unreadable::content),
            _ => Err(Unreadable::Type(Self::TYPE)),
        }
    }
}

macro_rules! ids {
    ($($id:ident),+ $(,)?) => { $(
        impl Stored for $id {
            const TYPE: &'static str = Uuid::TYPE;

            fn to_value(&self) -> Value<'_> {
                Value::Uuid(self.uuid())
            }

            fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
                Uuid::from_value(value).map(Self::from_uuid)
            }
        }
    )+ };
}

ids! { RunId, ProviderId, DatasetId, InvocationId, TokenId, AuditId }

/// Id of a token in a key, where no column can be null. A token that the server was started with has no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey(pub Option<TokenId>);

impl Stored for TokenKey {
    const TYPE: &'static str = Uuid::TYPE;

    fn to_value(&self) -> Value<'_> {
        Value::Uuid(self.0.map_or(Uuid::nil(), TokenId::uuid))
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unreadable> {
        let id = Uuid::from_value(value)?;
        Ok(Self((!id.is_nil()).then(|| TokenId::from_uuid(id))))
    }
}

/// Stores enums by their names.
macro_rules! stored_by_name {
    ($($name:ident),+ $(,)?) => { $(
        impl $crate::columns::Stored for $name {
            const TYPE: &'static str = "text";

            fn to_value(&self) -> $crate::columns::Value<'_> {
                $crate::columns::Value::Text(self.as_str().into())
            }

            fn from_value(value: $crate::columns::Value<'_>) -> Result<Self, $crate::columns::Unreadable> {
                match value {
                    $crate::columns::Value::Text(name) => name.parse().map_err($crate::columns::Unreadable::content),
                    _ => Err($crate::columns::Unreadable::Type(Self::TYPE)),
                }
            }
        }
    )+ };
}

pub(crate) use stored_by_name;

stored_by_name! { RunKind, RunStatus, PauseCause, Outcome, ErrorKind, ProviderKind, ProviderProtocol, Role, Tenant }

/// Stores types as JSON.
macro_rules! stored_as_json {
    ($($json:ty),+ $(,)?) => { $(
        impl $crate::columns::Stored for $json {
            const TYPE: &'static str = "json";

            fn to_value(&self) -> $crate::columns::Value<'_> {
                $crate::columns::to_json(self)
            }

            fn from_value(value: $crate::columns::Value<'_>) -> Result<Self, $crate::columns::Unreadable> {
                $crate::columns::from_json(value)
            }
        }
    )+ };
}

pub(crate) use stored_as_json;

stored_as_json! {
    serde_json::Value,
    RunConfig,
    Score,
    Usage,
    Vec<Attempt>,
    ClientNote,
    Vec<ProviderId>,
    Budget,
    Vec<TokenLogprob>,
    Finish,
    Capabilities,
    RateLimit,
    RequestOverride,
    RetryOverride,
    Settings,
    ExecutorStatus,
    LightevalOutcome,
    Talk,
    BTreeMap<Scope, LaneState>,
}

/// Stores types as JSON whose column is null if they are empty.
macro_rules! stored_as_json_unless_empty {
    ($($json:ty),+ $(,)?) => { $(
        impl $crate::columns::Stored for $json {
            const TYPE: &'static str = "json";

            fn to_value(&self) -> $crate::columns::Value<'_> {
                if self.is_empty() { $crate::columns::Value::Null } else { $crate::columns::to_json(self) }
            }

            fn from_value(value: $crate::columns::Value<'_>) -> Result<Self, $crate::columns::Unreadable> {
                if value == $crate::columns::Value::Null {
                    Ok(Self::default())
                } else {
                    $crate::columns::from_json(value)
                }
            }
        }
    )+ };
}

pub(crate) use stored_as_json_unless_empty;

stored_as_json_unless_empty! { Vec<ToolCall>, Remarks, Leases }

pub fn to_json<T: Serialize>(value: &T) -> Value<'static> {
    let json = serde_json::to_string(value).expect("what is stored as JSON has only string keys");
    Value::Text(json.into())
}

pub fn from_json<T: DeserializeOwned>(value: Value<'_>) -> Result<T, Unreadable> {
    match value {
        Value::Text(json) => serde_json::from_str(&json).map_err(Unreadable::content),
        _ => Err(Unreadable::Type("json")),
    }
}
