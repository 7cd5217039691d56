use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

/// A value of a column that is written to or read from either database.
///
/// `SQLite` has fewer types: it returns an id as [`Value::Bytes`], and a time or a boolean as [`Value::Int`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A text, or a value as JSON.
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Uuid(Uuid),
    Time(Timestamp),
}
