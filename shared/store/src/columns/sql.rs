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

/// Returns a statement that deletes some rows of what has one of the ids `$1`, at most `$2` of each partition. The primary
/// key of `table` is `owner` and then `rest`. Only PostgreSQL has arrays.
///
/// The places of the rows are read first, in the order of the key, so that a step reads no more than it deletes. The same
/// place in another partition is deleted only if its row belongs to one of the ids, too.
pub fn delete_some(name: &str, table: &str, owner: &str, rest: &str) -> String {
    format!(
        "\
DELETE /* {name} */ FROM {table}
WHERE {owner} = ANY ($1)
  AND ctid = ANY (ARRAY(
      SELECT place.ctid
      FROM unnest($1::uuid[]) AS removed (id)
      CROSS JOIN LATERAL (
          SELECT ctid
          FROM {table}
          WHERE {owner} = removed.id
          ORDER BY {rest}
          LIMIT $2
      ) AS place
      LIMIT $2
  ))"
    )
}
