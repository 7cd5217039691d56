//! Conversion of values to and from `SQLite`.

use jiff::Timestamp;
use rusqlite::{
    Connection, Params, Row, RowIndex,
    types::{ToSql, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use crate::{
    StoreError,
    columns::{AnyRow, Cells, Columns, Stored, Value, read_value},
};

/// Returns an id as it is stored.
pub fn blob(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

/// Returns a count as it is stored.
pub fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns a time as it is stored: microseconds since 1970.
pub fn time(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// Returns all rows of a statement, read by `read`.
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

/// Returns the first row of a statement.
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

/// Returns the number of rows that a statement changed.
pub fn execute(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<u64> {
    connection.prepare_cached(sql)?.execute(params).map(|rows| rows as u64)
}

/// Reads the record with which the row begins.
pub fn record<T: Columns>(row: &Row<'_>) -> Result<T, StoreError> {
    Cells::new(row).record()
}

/// Reads columns by their names.
pub trait Cell {
    fn cell<T: Stored>(&self, column: &str) -> Result<T, StoreError>;
}

impl Cell for Row<'_> {
    fn cell<T: Stored>(&self, column: &str) -> Result<T, StoreError> {
        read_value(column, value_at(self, column)?)
    }
}

impl AnyRow for Row<'_> {
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError> {
        value_at(self, index)
    }
}

fn value_at<'a>(row: &'a Row<'_>, column: impl RowIndex) -> Result<Value<'a>, StoreError> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.into())),
            Err(error) => Err(StoreError::Broken(error.to_string())),
        },
        ValueRef::Real(_) => Err(StoreError::Broken("no column holds a floating-point number".to_owned())),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(is_true) => ValueRef::Integer(i64::from(*is_true)),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Uuid(id) => ValueRef::Blob(id.as_bytes()),
            Self::Time(moment) => ValueRef::Integer(time(*moment)),
        }))
    }
}
