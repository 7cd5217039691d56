//! Statements that list all columns of a record.
//!
//! The name of a statement stands behind its first word, because the statistics of PostgreSQL 18 drop a comment in front.

use std::sync::LazyLock;

use super::{ColumnList, Columns, Dialect};

/// Text of a statement. It is built once, because connections cache prepared statements by their text.
pub type Sql = LazyLock<String>;

/// Returns a statement that reads records of the type `T`. `rest` follows the name of the table.
pub fn select<T: Columns>(name: &str, table: &str, rest: &str) -> String {
    format!("SELECT /* {name} */ {}\nFROM {table}\n{rest}", ColumnList::of::<T>().select(table))
}

/// Returns a statement that inserts one record of the type `T`. `rest` follows the values.
pub fn insert<T: Columns>(dialect: Dialect, name: &str, table: &str, rest: &str) -> String {
    let columns = ColumnList::of::<T>();
    let (names, parameters) = (columns.names(), columns.parameters(dialect));
    let text = format!("INSERT /* {name} */ INTO {table} ({names})\nVALUES ({parameters})\n{rest}");
    text.trim_end().to_owned()
}

/// Returns a statement that inserts many records of the type `T`, for which it takes one array for each column.
/// `rest` follows the values. Only PostgreSQL has arrays.
pub fn insert_arrays<T: Columns>(name: &str, table: &str, rest: &str) -> String {
    let columns = ColumnList::of::<T>();
    let (names, arrays) = (columns.names(), columns.arrays());
    format!("INSERT /* {name} */ INTO {table} ({names})\nSELECT *\nFROM unnest({arrays})\n{rest}")
}

/// Returns a statement that updates the columns that change. Their parameters begin with number `first`, after those
/// of `rest`.
pub fn update<T: Columns>(dialect: Dialect, name: &str, table: &str, first: usize, rest: &str) -> String {
    format!("UPDATE /* {name} */ {table}\nSET {}\n{rest}", ColumnList::of::<T>().assignments(dialect, first))
}
