use std::{
    fs::File,
    io,
    panic::{self, AssertUnwindSafe},
};

use parquet::{
    file::reader::SerializedFileReader,
    record::{Field, reader::RowIter},
};

use crate::{Cell, Place, ReadError, Row, Source};

/// Rows of a Parquet file.
pub struct Parquet {
    rows: RowIter<'static>,
    number: u64,
}

impl Parquet {
    /// Opens the file. One that comes once, such as standard input, is copied to a temporary file, because the description
    /// of a Parquet file is at its end.
    pub fn new(source: Source) -> Result<Self, ReadError> {
        let file = match source.file {
            Some(file) => file,
            None => copied(source.bytes)?,
        };
        let reader = SerializedFileReader::new(file).map_err(|error| fault(&error))?;
        Ok(Self { rows: RowIter::from_file_into(Box::new(reader)), number: 0 })
    }
}

fn copied(mut bytes: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut bytes, &mut file)?;
    Ok(file)
}

fn fault(error: &parquet::errors::ParquetError) -> ReadError {
    ReadError::Columnar { kind: "Parquet", reason: error.to_string() }
}

impl Iterator for Parquet {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The reader panics at some damaged files.
        let read = panic::catch_unwind(AssertUnwindSafe(|| self.rows.next()));
        let row = match read {
            Ok(row) => row?,
            Err(_) => return Some(Err(damaged())),
        };
        self.number += 1;
        let place = Place::Row(self.number);
        Some(row.map_err(|error| fault(&error)).map(|row| Row {
            place,
            number: self.number,
            fields: row.into_columns().into_iter().map(|(name, field)| (name.into(), cell(field))).collect(),
            json: None,
        }))
    }
}

fn damaged() -> ReadError {
    ReadError::Columnar { kind: "Parquet", reason: "it is damaged".to_owned() }
}

fn cell(field: Field) -> Cell {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(value) => Cell::Bool(value),
        Field::Byte(n) => number(&n),
        Field::Short(n) => number(&n),
        Field::Int(n) => number(&n),
        Field::Long(n) => number(&n),
        Field::UByte(n) => number(&n),
        Field::UShort(n) => number(&n),
        Field::UInt(n) => number(&n),
        Field::ULong(n) => number(&n),
        Field::Float16(n) => float(f64::from(n), format!("{n:?}")),
        Field::Float(n) => float(f64::from(n), format!("{n:?}")),
        Field::Double(n) => float(n, format!("{n:?}")),
        Field::Str(text) => Cell::Text(text),
        Field::Group(row) => Cell::Object(
            row.into_columns().into_iter().map(|(name, field)| (name.into(), cell(field))).collect(),
        ),
        Field::ListInternal(list) => Cell::List(list.elements().iter().cloned().map(cell).collect()),
        Field::MapInternal(map) => {
            let entries = map.entries().iter().cloned();
            Cell::Object(
                entries.map(|(key, value)| (key.to_string().trim_matches('"').into(), cell(value))).collect(),
            )
        }
        Field::Decimal(_) => Cell::Number(field.to_string()),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Unread("binary".to_owned()),
        },
        // Dates and times.
        other => Cell::Text(other.to_string()),
    }
}

fn number(number: &impl ToString) -> Cell {
    Cell::Number(number.to_string())
}

fn float(value: f64, text: String) -> Cell {
    if value.is_nan() {
        Cell::NotFinite("NaN")
    } else if value.is_infinite() {
        Cell::NotFinite(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        Cell::Number(text)
    }
}
