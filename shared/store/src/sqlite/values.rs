//! Values on their way into and out of `SQLite`.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::StoreError;

/// An id as it is stored.
pub fn blob(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

/// A count as it is stored.
pub fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A moment as it is stored: microseconds since 1970.
pub fn time(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored as JSON has only string keys")
}

/// All rows of a statement, read by `read`.
pub fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// The first row of a statement.
pub fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// The rows that a statement changed.
pub fn execute(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<u64> {
    connection.prepare_cached(sql)?.execute(params).map(|rows| rows as u64)
}

/// Reads columns in our types.
pub trait Columns {
    fn id(&self, column: &str) -> Result<Uuid, StoreError>;

    fn text(&self, column: &str) -> Result<String, StoreError>;

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError>;

    fn count(&self, column: &str) -> Result<u64, StoreError>;

    fn optional_count(&self, column: &str) -> Result<Option<u64>, StoreError>;

    fn number(&self, column: &str) -> Result<u32, StoreError>;

    fn time(&self, column: &str) -> Result<Timestamp, StoreError>;

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError>;

    /// A text that names one of a set.
    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError>;

    fn optional_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError>;

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError>;

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError>;
}

impl Columns for Row<'_> {
    fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        Ok(Uuid::from_bytes(self.get(column)?))
    }

    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.get(column)?)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.get(column)?)
    }

    fn count(&self, column: &str) -> Result<u64, StoreError> {
        let value: i64 = self.get(column)?;
        u64::try_from(value).map_err(|error| unreadable(column, &error))
    }

    fn optional_count(&self, column: &str) -> Result<Option<u64>, StoreError> {
        let value: Option<i64> = self.get(column)?;
        value.map(|value| u64::try_from(value).map_err(|error| unreadable(column, &error))).transpose()
    }

    fn number(&self, column: &str) -> Result<u32, StoreError> {
        Ok(self.get(column)?)
    }

    fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        moment(column, self.get(column)?)
    }

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<_, Option<i64>>(column)?.map(|micros| moment(column, micros)).transpose()
    }

    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| unreadable(column, &error))
    }

    fn optional_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let word = self.optional_text(column)?;
        word.map(|word| word.parse().map_err(|error| unreadable(column, &error))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| unreadable(column, &error))
    }

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, &error))).transpose()
    }
}

fn moment(column: &str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| unreadable(column, &error))
}

fn unreadable(column: &str, error: &dyn Display) -> StoreError {
    StoreError::Broken(format!("{column}: {error}"))
}
