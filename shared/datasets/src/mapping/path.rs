use std::{borrow::Cow, fmt};

use crate::{Cell, literal::structured, row::Fields};

/// Name of a field. With dots, it also leads into objects and lists: `choices.text`, `arguments.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the value. A field that has the whole name goes before one that the name leads into.
    pub fn find<'a>(&self, fields: &'a Fields) -> Option<Cow<'a, Cell>> {
        if let Some((_, cell)) = fields.iter().find(|(name, _)| **name == *self.0) {
            return Some(Cow::Borrowed(cell));
        }
        let (first, rest) = self.0.split_once('.')?;
        let (_, cell) = fields.iter().find(|(name, _)| **name == *first)?;
        match cell {
            // Tables have objects and lists as texts.
            Cell::Text(text) => within(&structured(text)?, rest).map(|cell| Cow::Owned(cell.clone())),
            cell => within(cell, rest).map(Cow::Borrowed),
        }
    }

    /// Returns the path below `prefix`.
    #[must_use]
    pub fn below(self, prefix: &str) -> Self {
        Self(format!("{prefix}{}", self.0))
    }
}

fn within<'a>(cell: &'a Cell, path: &str) -> Option<&'a Cell> {
    let step = |cell: &'a Cell, name: &str| match cell {
        Cell::List(items) => items.get(name.parse::<usize>().ok()?),
        cell => cell.get(name),
    };
    path.split('.').try_fold(cell, step)
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`", self.0)
    }
}
