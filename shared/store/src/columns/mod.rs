//! Columns of the tables, each listed once.
//!
//! [`columns!`] lists the columns of a record beside its type. The list makes the column lists of the statements of both
//! databases, the values to write, and the record from a row that was read. Everything else of a statement is SQL, in the
//! file of its table.

mod list;
pub mod sql;
mod stored;
#[cfg(test)]
mod tests;
mod value;

pub use list::{Column, ColumnList, Dialect, Role};
pub use stored::{Stored, TokenKey, Unreadable, from_json, to_json};
pub(crate) use stored::{stored_as_json, stored_as_json_unless_empty, stored_by_name};
pub use value::Value;

use crate::StoreError;

/// A record that is read from consecutive columns.
pub trait Columns: Sized {
    fn list(columns: &mut Vec<Column>);

    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError>;
}

/// Source of the values of the record `R`: the record itself, or the type from which it is made.
pub trait Values<R> {
    /// Appends the values of the columns that take part in `statement`, in the order of the list.
    fn values<'a>(&'a self, statement: Statement, values: &mut Vec<Value<'a>>);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    Insert,
    Update,
}

impl Statement {
    pub const fn has(self, role: Role) -> bool {
        matches!((self, role), (Self::Insert, _) | (Self::Update, Role::Updated))
    }
}

/// Returns the values of a row to insert into the table of `R`.
pub fn inserted<R>(source: &impl Values<R>) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    source.values(Statement::Insert, &mut values);
    values
}

/// Appends the values of the columns of `R` that change.
pub fn push_updated<'a, R>(values: &mut Vec<Value<'a>>, source: &'a impl Values<R>) {
    source.values(Statement::Update, values);
}

/// A row of either database.
pub trait AnyRow {
    /// Returns the value of the column at `index`, counted from 0.
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError>;
}

/// Reads the columns of a row from left to right.
pub struct Cells<'a> {
    row: &'a dyn AnyRow,
    next: usize,
}

impl<'a> Cells<'a> {
    pub const fn new(row: &'a dyn AnyRow) -> Self {
        Self { row, next: 0 }
    }

    /// Reads the next column; `name` is for the error.
    pub fn take<T: Stored>(&mut self, name: &str) -> Result<T, StoreError> {
        let value = self.row.value(self.next)?;
        self.next += 1;
        read_value(name, value)
    }

    /// Reads the record that begins at the next column.
    pub fn record<T: Columns>(&mut self) -> Result<T, StoreError> {
        T::read(self)
    }
}

/// Reads the value of the column `name`.
pub fn read_value<T: Stored>(name: &str, value: Value<'_>) -> Result<T, StoreError> {
    T::from_value(value).map_err(|error| StoreError::Broken(format!("column {name}: {error}")))
}

/// Reads a record that may be absent, in which case all its columns are null. It is present if its first column is
/// not null.
impl<T: Columns> Columns for Option<T> {
    fn list(columns: &mut Vec<Column>) {
        T::list(columns);
    }

    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        if cells.row.value(cells.next)? == Value::Null {
            cells.next += ColumnList::of::<T>().len();
            return Ok(None);
        }
        T::read(cells).map(Some)
    }
}

impl<T: Columns + Values<T>> Values<Self> for Option<T> {
    fn values<'a>(&'a self, statement: Statement, values: &mut Vec<Value<'a>>) {
        if let Some(record) = self {
            return record.values(statement, values);
        }
        let mut columns = Vec::new();
        T::list(&mut columns);
        values.extend(columns.iter().filter(|column| statement.has(column.role)).map(|_| Value::Null));
    }
}

/// Returns PostgreSQL's type of the column in which `field` is stored.
pub const fn type_of<S, T: Stored>(_field: fn(&S) -> &T) -> &'static str {
    T::TYPE
}

/// Appends the columns of a field that is itself a record.
pub fn list_of<S, T: Columns>(_field: fn(&S) -> &T, columns: &mut Vec<Column>) {
    T::list(columns);
}

/// Lists the columns of a record, one a line: a role and a field.
///
/// - `fixed` and `updated` fields are columns with that [`Role`]; `as` gives the column another name than the field's.
/// - A `group` field is a record of its own, whose columns take its place.
/// - `from` names the type that rows are inserted from, if it is not the record; then `=` says where in it a value is.
/// - `keys` are columns that are inserted and not read, before the others.
/// - Fields behind `else` are no columns; they are read as their defaults.
macro_rules! columns {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident as $column:ident) => { stringify!($column) };
    (@path $source:expr, $field:ident) => { &$source.$field };
    (@path $source:expr, $field:ident = $($path:ident).+) => { &$source.$($path).+ };
    (@role key) => { $crate::columns::Role::Key };
    (@role fixed) => { $crate::columns::Role::Fixed };
    (@role updated) => { $crate::columns::Role::Updated };

    (@list $columns:ident $source:ty, group [$($name:tt)+] [$($path:tt)+]) => {
        $crate::columns::list_of::<$source, _>(|source| columns!(@path source, $($path)+), $columns);
    };
    (@list $columns:ident $source:ty, $role:ident [$($name:tt)+] [$($path:tt)+]) => {
        $columns.push($crate::columns::Column {
            name: columns!(@name $($name)+),
            sql_type: $crate::columns::type_of::<$source, _>(|source| columns!(@path source, $($path)+)),
            role: columns!(@role $role),
        });
    };

    (@read $cells:ident, group [$($name:tt)+]) => { $cells.record()? };
    (@read $cells:ident, $role:ident [$($name:tt)+]) => { $cells.take(columns!(@name $($name)+))? };

    (@value $source:expr, $statement:ident, $values:ident, group [$($path:tt)+]) => {
        $crate::columns::Values::values(columns!(@path $source, $($path)+), $statement, $values);
    };
    (@value $source:expr, $statement:ident, $values:ident, $role:ident [$($path:tt)+]) => {
        if $statement.has(columns!(@role $role)) {
            $values.push($crate::columns::Stored::to_value(columns!(@path $source, $($path)+)));
        }
    };

    ($record:ident { $($lines:tt)+ }) => { columns! { $record from $record { $($lines)+ } } };
    (
        $record:ident from $source:ty $(, keys ($($key:ident $(= $($key_path:ident).+)?),+))? {
            $($role:ident $field:ident $(as $column:ident)? $(= $($path:ident).+)?,)+
            $(; else $($absent:ident),+)?
        }
    ) => {
        impl $crate::columns::Columns for $record {
            fn list(columns: &mut Vec<$crate::columns::Column>) {
                $($(columns!(@list columns $source, key [$key] [$key $(= $($key_path).+)?]);)+)?
                $(columns!(@list columns $source, $role [$field $(as $column)?] [$field $(= $($path).+)?]);)+
            }

            fn read(cells: &mut $crate::columns::Cells<'_>) -> Result<Self, $crate::StoreError> {
                Ok(Self {
                    $($field: columns!(@read cells, $role [$field $(as $column)?]),)+
                    $($($absent: Default::default(),)+)?
                })
            }
        }

        impl $crate::columns::Values<$record> for $source {
            fn values<'a>(
                &'a self,
                statement: $crate::columns::Statement,
                values: &mut Vec<$crate::columns::Value<'a>>,
            ) {
                $($(columns!(@value self, statement, values, key [$key $(= $($key_path).+)?]);)+)?
                $(columns!(@value self, statement, values, $role [$field $(= $($path).+)?]);)+
            }
        }
    };
}

pub(crate) use columns;
