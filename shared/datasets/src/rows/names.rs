use std::{collections::HashSet, sync::Arc};

use crate::ReadError;

/// Returns the names of columns, none of which may occur twice.
pub fn unique<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Arc<str>>, ReadError> {
    let mut seen = HashSet::new();
    let mut unique = |name: &'a str| {
        if seen.insert(name) { Ok(name.into()) } else { Err(ReadError::ColumnTwice(name.to_owned())) }
    };
    names.into_iter().map(&mut unique).collect()
}

/// Returns the names of a header without blanks around them. A column without a name is called by its number.
pub fn headed<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Arc<str>>, ReadError> {
    let names: Vec<_> = names
        .into_iter()
        .zip(1..)
        .map(|(name, number)| match name.trim() {
            "" => format!("column {number}"),
            name => name.to_owned(),
        })
        .collect();
    unique(names.iter().map(String::as_str))
}
