//! Values on their way into and out of PostgreSQL.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use serde::de::DeserializeOwned;
use tokio_postgres::{Row, types::Json};

use crate::StoreError;

/// A text as PostgreSQL takes it: it refuses NUL, which a model may well answer, and nothing may be lost for it.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub fn optional_text(text_: Option<&str>) -> Option<Cow<'_, str>> {
    text_.map(text)
}

/// A count as `bigint`.
pub fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A small number as `integer`. Ordinals and the like end well below its bound.
pub fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Reads columns in our types.
pub trait Columns {
    /// A `bigint` that is not negative.
    fn count(&self, column: &str) -> Result<u64, StoreError>;

    fn optional_count(&self, column: &str) -> Result<Option<u64>, StoreError>;

    /// An `integer` that is not negative.
    fn number(&self, column: &str) -> Result<u32, StoreError>;

    /// A text that names one of a set.
    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError>;

    fn optional_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError>;

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError>;

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError>;
}

impl Columns for Row {
    fn count(&self, column: &str) -> Result<u64, StoreError> {
        count(column, self.try_get(column)?)
    }

    fn optional_count(&self, column: &str) -> Result<Option<u64>, StoreError> {
        self.try_get::<_, Option<i64>>(column)?.map(|value| count(column, value)).transpose()
    }

    fn number(&self, column: &str) -> Result<u32, StoreError> {
        let value: i32 = self.try_get(column)?;
        u32::try_from(value).map_err(|_| StoreError::Broken(format!("{column} is {value}")))
    }

    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        parse(column, self.try_get(column)?)
    }

    fn optional_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.try_get::<_, Option<&str>>(column)?.map(|word| parse(column, word)).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        Ok(self.try_get::<_, Owned<T>>(column)?.0.0)
    }

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        Ok(self.try_get::<_, Option<Owned<T>>>(column)?.map(|value| value.0.0))
    }
}

/// [`Json`] of what does not borrow from the row.
struct Owned<T>(Json<T>);

impl<'a, T: DeserializeOwned> tokio_postgres::types::FromSql<'a> for Owned<T> {
    fn from_sql(
        ty: &tokio_postgres::types::Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Json::from_sql(ty, raw).map(Self)
    }

    fn accepts(ty: &tokio_postgres::types::Type) -> bool {
        <Json<serde_json::Value> as tokio_postgres::types::FromSql>::accepts(ty)
    }
}

fn count(column: &str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Broken(format!("{column} is {value}")))
}

fn parse<T: FromStr<Err: Display>>(column: &str, word: &str) -> Result<T, StoreError> {
    word.parse().map_err(|error| StoreError::Broken(format!("{column}: {error}")))
}
