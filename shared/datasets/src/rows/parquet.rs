use std::{
    fs::File,
    io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use parquet::{
    basic::{LogicalType, TimeUnit},
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row as ParquetRow, reader::RowIter},
    schema::types::Type,
};

use super::{
    bounds::Budget,
    names::unique,
    value::{bytes, float},
};
use crate::{
    Cell, Place, ReadError, Row, RowFault, Source,
    row::Fields,
    time::{self, Unit},
};

/// Rows of a Parquet file.
pub struct Parquet {
    rows: RowIter<'static>,
    schema: Type,
    row_max_bytes: usize,
    number: u64,
}

impl Parquet {
    /// Opens the file. One that comes once, such as standard input, is copied to a temporary file, because the description
    /// of a Parquet file is at its end.
    pub fn new(source: Source, row_max_bytes: usize) -> Result<Self, ReadError> {
        let file = match source.file {
            Some(file) => file,
            None => copied(source.bytes)?,
        };
        let reader = SerializedFileReader::new(file).map_err(|error| fault(&error))?;
        let schema = reader.metadata().file_metadata().schema().clone();
        unique(schema.get_fields().iter().map(|field| field.name()))?;
        Ok(Self { rows: RowIter::from_file_into(Box::new(reader)), schema, row_max_bytes, number: 0 })
    }

    fn read(&mut self) -> Option<Result<Result<Fields, RowFault>, ReadError>> {
        Some(match self.rows.next()? {
            Ok(row) => Ok(fields(row, Some(&self.schema), &mut Budget::new(self.row_max_bytes))),
            Err(error) => Err(fault(&error)),
        })
    }
}

/// Copies bytes that come once to a file that can be read at any place.
pub fn copied(mut bytes: impl io::Read) -> io::Result<File> {
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
        let read = panic::catch_unwind(AssertUnwindSafe(|| self.read()));
        let fields = match read {
            Ok(read) => read?,
            Err(_) => return Some(Err(damaged())),
        };
        self.number += 1;
        let place = Place::Row(self.number);
        Some(fields.and_then(|fields| {
            let fields = fields.map_err(|fault| fault.at(place))?;
            Ok(Row { place, number: self.number, fields, json: None })
        }))
    }
}

fn damaged() -> ReadError {
    ReadError::Columnar { kind: "Parquet", reason: "it is damaged".to_owned() }
}

/// Returns the fields of a row or of an object.
fn fields(row: ParquetRow, group: Option<&Type>, budget: &mut Budget) -> Result<Fields, RowFault> {
    let columns = row.into_columns().into_iter();
    columns
        .map(|(name, field)| {
            budget.take(name.len())?;
            let kind = group.and_then(|group| named(group, &name));
            Ok((Arc::from(name), cell(field, kind, budget)?))
        })
        .collect()
}

fn named<'a>(group: &'a Type, name: &str) -> Option<&'a Type> {
    let fields = if group.is_group() { group.get_fields() } else { &[] };
    fields.iter().find(|field| field.name() == name).map(AsRef::as_ref)
}

/// Returns the type of a list's items, which stands in groups of one field each.
fn item(mut list: &Type) -> &Type {
    while list.is_group()
        && let [only] = list.get_fields()
    {
        list = only;
    }
    list
}

/// Returns a value.
///
/// * `kind`: type of the value, which says more of times than the value.
fn cell(field: Field, kind: Option<&Type>, budget: &mut Budget) -> Result<Cell, RowFault> {
    let cell = match field {
        Field::Group(row) => return Ok(Cell::Object(fields(row, kind, budget)?)),
        Field::ListInternal(list) => {
            budget.take(0)?;
            let items = list.elements().iter().cloned().map(|field| cell(field, kind.map(item), budget));
            return Ok(Cell::List(items.collect::<Result<_, _>>()?));
        }
        Field::MapInternal(map) => {
            budget.take(0)?;
            let entries = map.entries().iter().cloned().map(|(key, value)| {
                let key = cell(key, None, budget)?;
                Ok((Arc::from(key.scalar().unwrap_or_default()), cell(value, None, budget)?))
            });
            return Ok(Cell::Object(entries.collect::<Result<Fields, RowFault>>()?));
        }
        Field::Str(text) => {
            budget.take(text.len())?;
            return Ok(Cell::Text(text));
        }
        Field::Bytes(value) => return bytes(value.data(), budget),
        Field::Null => Cell::Missing,
        Field::Bool(value) => Cell::Bool(value),
        Field::Byte(n) => number(&n),
        Field::Short(n) => number(&n),
        Field::Int(n) => number(&n),
        Field::Long(n) => long(n, kind),
        Field::UByte(n) => number(&n),
        Field::UShort(n) => number(&n),
        Field::UInt(n) => number(&n),
        Field::ULong(n) => number(&n),
        Field::Float16(n) => float(f64::from(n), format!("{n:?}")),
        Field::Float(n) => float(f64::from(n), format!("{n:?}")),
        Field::Double(n) => float(n, format!("{n:?}")),
        // Whole ones end with a point.
        Field::Decimal(_) => Cell::Number(field.to_string().trim_end_matches('.').to_owned()),
        Field::Date(days) => time::date(days.into()),
        Field::TimeMillis(value) => time::of_day(value.into(), Unit::Millis),
        Field::TimeMicros(value) => time::of_day(value, Unit::Micros),
        Field::TimestampMillis(value) => time::timestamp(value, Unit::Millis, is_utc(kind)),
        Field::TimestampMicros(value) => time::timestamp(value, Unit::Micros, is_utc(kind)),
    };
    budget.take(0)?;
    Ok(cell)
}

fn number(number: &impl ToString) -> Cell {
    Cell::Number(number.to_string())
}

fn logical(kind: Option<&Type>) -> Option<LogicalType> {
    kind.and_then(|kind| kind.get_basic_info().logical_type_ref().cloned())
}

/// Returns a whole number, which is a time if its type says so: the library knows no times in nanoseconds.
fn long(value: i64, kind: Option<&Type>) -> Cell {
    match logical(kind) {
        Some(LogicalType::Timestamp(kind)) => {
            time::timestamp(value, unit(kind.unit), kind.is_adjusted_to_u_t_c)
        }
        Some(LogicalType::Time(kind)) => time::of_day(value, unit(kind.unit)),
        _ => number(&value),
    }
}

fn is_utc(kind: Option<&Type>) -> bool {
    !matches!(logical(kind), Some(LogicalType::Timestamp(kind)) if !kind.is_adjusted_to_u_t_c)
}

const fn unit(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::MILLIS => Unit::Millis,
        TimeUnit::MICROS => Unit::Micros,
        TimeUnit::NANOS => Unit::Nanos,
    }
}
