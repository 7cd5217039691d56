use std::{iter::Peekable, path::Path};

use runmill_proto::{Inputs, Item, ItemFault};
use serde_json::Value;

use crate::{Bounds, Format, MapFault, Mapping, Place, ReadError, Row, Rows, Source, json_object};

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which fields are the parts of an item. Without it, the file's first row decides.
    pub map: Option<Mapping>,
    /// Names that the prompt template uses. Fields with these names are kept in `meta`, also if they are parts of the item.
    pub used: Vec<String>,
    pub bounds: Bounds,
}

/// How the rows of a file become items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The rows are items in runmill's format.
    Items,
    Fields(Box<Mapping>),
}

/// An item as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadItem {
    pub place: Place,
    pub item: Item,
    /// The item as a line of a dataset. A line in runmill's format is kept as it is.
    pub line: String,
}

/// Reads the items of a file, one at a time.
pub struct Items {
    plan: Plan,
    rows: Peekable<Rows>,
    format: Format,
    used: Vec<String>,
}

impl Items {
    /// Opens a file, or standard input if the path is `-`.
    pub fn open(path: &Path, options: Options) -> Result<Self, ReadError> {
        Self::of(Source::open(path)?, options)
    }

    /// Reads recognised bytes.
    pub fn of(source: Source, options: Options) -> Result<Self, ReadError> {
        let rows = Rows::of(source, options.bounds)?;
        let format = rows.format();
        let mut rows = rows.peekable();
        let plan = match options.map {
            Some(map) => Plan::Fields(Box::new(map)),
            None => match rows.peek() {
                Some(Ok(first)) if is_item(first) => Plan::Items,
                Some(Ok(first)) => Plan::Fields(Box::new(Mapping::recognise(&first.fields, &options.used)?)),
                // The error, or the end, comes from the rows.
                _ => Plan::Items,
            },
        };
        Ok(Self { plan, rows, format, used: options.used })
    }

    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns the fields of the first row.
    pub fn fields(&mut self) -> Vec<String> {
        match self.rows.peek() {
            Some(Ok(first)) => first.fields.iter().map(|(name, _)| name.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    fn item(&self, row: Row) -> Result<ReadItem, ReadError> {
        let place = row.place;
        let read = match &self.plan {
            Plan::Items => of_line(row),
            Plan::Fields(mapping) => of_fields(row, mapping, &self.used),
        };
        let (item, line) = read.map_err(|fault| ReadError::Item { place, fault })?;
        Ok(ReadItem { place, item, line })
    }
}

impl Iterator for Items {
    type Item = Result<ReadItem, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.and_then(|row| self.item(row)))
    }
}

/// Returns true for a row in runmill's format, or in that of a batch, which has an error of its own.
fn is_item(row: &Row) -> bool {
    let has = |name: &str| row.fields.iter().any(|(field, _)| **field == *name);
    has("inputs") && has("type") || has("custom_id")
}

fn of_line(row: Row) -> Result<(Item, String), MapFault> {
    let line = row.json.unwrap_or_else(|| Value::Object(json_object(row.fields)).to_string());
    let item = Item::from_upload(&line)?;
    check_sent(&item.inputs)?;
    Ok((item, line))
}

fn of_fields(row: Row, mapping: &Mapping, used: &[String]) -> Result<(Item, String), MapFault> {
    let item = mapping.item(row, used)?;
    item.check_upload()?;
    let line = serde_json::to_string(&item).map_err(|error| ItemFault::Json(error.to_string()))?;
    Ok((item, line))
}

/// Refuses inputs that no provider can be sent.
fn check_sent(inputs: &Inputs) -> Result<(), MapFault> {
    let unsent = [("audio", &inputs.audio), ("video", &inputs.video)];
    match unsent.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(MapFault::Unsent(name)),
        None => Ok(()),
    }
}
