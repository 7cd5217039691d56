use std::fmt::Write as _;

use super::Columns;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    /// PostgreSQL's name of the column's type.
    pub sql_type: &'static str,
    pub role: Role,
}

/// Statements in which a column takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Inserted, but not read, because the reader already knows the value.
    Key,
    /// Inserted and read.
    Fixed,
    /// Inserted, read and updated.
    Updated,
}

/// Form in which a database writes parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    const fn sigil(self) -> char {
        match self {
            Self::Postgres => '$',
            Self::Sqlite => '?',
        }
    }
}

/// Columns of a record, in the forms in which statements list them.
#[derive(Debug)]
pub struct ColumnList(Vec<Column>);

impl ColumnList {
    pub fn of<T: Columns>() -> Self {
        let mut columns = Vec::new();
        T::list(&mut columns);
        Self(columns)
    }

    /// Returns the columns to read, of the table or alias `table`: `runs.id, runs.name`.
    pub fn select(&self, table: &str) -> String {
        joined(self.read().map(|column| format!("{table}.{}", column.name)))
    }

    /// Returns the number of columns to read.
    pub fn len(&self) -> usize {
        self.read().count()
    }

    /// Returns the columns to insert: `id, name`.
    pub fn names(&self) -> String {
        joined(self.0.iter().map(|column| column.name.to_owned()))
    }

    /// Returns a parameter for each column to insert: `$1, $2`.
    pub fn parameters(&self, dialect: Dialect) -> String {
        joined((1..=self.0.len()).map(|n| format!("{}{n}", dialect.sigil())))
    }

    /// Returns a parameter for the array of each column to insert: `$1::uuid[], $2::text[]`.
    pub fn arrays(&self) -> String {
        joined((1..).zip(&self.0).map(|(n, column)| format!("${n}::{}[]", column.sql_type)))
    }

    /// Returns the assignments of the columns to update, whose parameters begin with number `first`:
    /// `status = $2, fed = $3`.
    pub fn assignments(&self, dialect: Dialect, first: usize) -> String {
        let updated = self.0.iter().filter(|column| column.role == Role::Updated);
        joined((first..).zip(updated).map(|(n, column)| format!("{} = {}{n}", column.name, dialect.sigil())))
    }

    fn read(&self) -> impl Iterator<Item = &Column> {
        self.0.iter().filter(|column| column.role != Role::Key)
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut list = String::new();
    for part in parts {
        let separator = if list.is_empty() { "" } else { ", " };
        write!(list, "{separator}{part}").expect("writing to a string does not fail");
    }
    list
}
