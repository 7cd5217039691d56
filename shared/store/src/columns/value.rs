use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

/// A value of a column, on its way into or out of either database.
///
/// `SQLite` has fewer types: there an id comes back as [`Value::Bytes`], a time and a truth value as [`Value::Int`].
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
