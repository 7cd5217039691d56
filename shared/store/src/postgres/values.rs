//! Conversion of values to and from PostgreSQL.

use std::{borrow::Cow, error::Error};

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::{
    StoreError,
    columns::{AnyRow, Cells, Columns, Statement, Stored, Value, Values, read_value},
};

/// Replaces NUL, which PostgreSQL refuses, so that an answer of a model that contains one is not lost.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Returns a count as `bigint`.
pub fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns a small number as `integer`. Ordinals and similar numbers are far below its maximum.
pub fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Returns values as the parameters of a statement.
pub fn parameters<T: ToSql + Sync>(values: &[T]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Returns the values of rows to insert into the table of `R`, as one array for each column.
pub fn arrays<R, S: Values<R>>(rows: &[S]) -> Vec<Vec<Value<'_>>> {
    let (mut arrays, mut values) = (Vec::new(), Vec::new());
    for row in rows {
        row.values(Statement::Insert, &mut values);
        arrays.resize_with(values.len(), || Vec::with_capacity(rows.len()));
        for (array, value) in arrays.iter_mut().zip(values.drain(..)) {
            array.push(value);
        }
    }
    arrays
}

/// Reads the record with which the row begins.
pub fn record<T: Columns>(row: &Row) -> Result<T, StoreError> {
    Cells::new(row).record()
}

/// Reads columns by their names.
pub trait Cell {
    fn cell<T: Stored>(&self, column: &str) -> Result<T, StoreError>;
}

impl Cell for Row {
    fn cell<T: Stored>(&self, column: &str) -> Result<T, StoreError> {
        read_value(column, self.try_get(column)?)
    }
}

impl AnyRow for Row {
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError> {
        Ok(self.try_get(index)?)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(is_true) => is_true.to_sql(ty, out),
            Self::Int(number) if *ty == Type::INT4 => {
                i32::try_from(*number).unwrap_or(i32::MAX).to_sql(ty, out)
            }
            Self::Int(number) => number.to_sql(ty, out),
            Self::Text(value) => text(value).to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
            Self::Uuid(id) => id.to_sql(ty, out),
            Self::Time(time) => time.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::BYTEA => Self::Bytes(<&[u8]>::from_sql(ty, raw)?),
            Type::UUID => Self::Uuid(uuid::Uuid::from_sql(ty, raw)?),
            Type::TIMESTAMPTZ => Self::Time(Timestamp::from_sql(ty, raw)?),
            _ => Self::Text(<&str>::from_sql(ty, raw)?.into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::BOOL
                | Type::INT4
                | Type::INT8
                | Type::BYTEA
                | Type::UUID
                | Type::TIMESTAMPTZ
                | Type::TEXT
                | Type::JSON
        )
    }
}
