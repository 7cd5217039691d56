use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    vec,
};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use zip::ZipArchive;

use super::{bounds::Budget, names::headed, value::float};
use crate::{Bounds, Cell, Place, ReadError, Row, RowFault, Source, row::Fields};

/// Largest workbook as a file.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Number of columns that Excel has.
const COLUMNS_MAX: u32 = 16_384;

/// Rows of the first sheet of an Excel workbook, below a header. Memory holds the sheet.
pub struct Workbook {
    names: Vec<Arc<str>>,
    rows: vec::IntoIter<SheetRow>,
    row_max_bytes: usize,
    number: u64,
}

/// A row that is not empty, with its number from 1 as Excel shows it, and its cells by their columns from 0.
#[derive(Default)]
struct SheetRow {
    number: u64,
    cells: Vec<(usize, Cell)>,
}

impl Workbook {
    /// Reads the sheet. A file that comes once is copied to a temporary file, because its directory is at its end.
    pub fn new(source: Source, bounds: Bounds) -> Result<Self, ReadError> {
        let mut file = match source.file {
            Some(file) => file,
            None => copied(source.bytes)?,
        };
        check_size(&mut file, bounds.workbook_max_bytes)?;
        // The reader trusts the parts of the workbook to be what Excel writes.
        let read = panic::catch_unwind(AssertUnwindSafe(|| sheet(file, bounds.workbook_max_bytes)));
        let mut rows = read.map_err(|_| fault("it is damaged"))??.into_iter();
        let header = rows.next().unwrap_or_default();
        let width = header.cells.last().map_or(0, |(column, _)| column + 1);
        let mut names = vec![""; width];
        for (column, cell) in &header.cells {
            names[*column] = cell.scalar().unwrap_or_default();
        }
        Ok(Self { names: headed(names)?, rows, row_max_bytes: bounds.row_max_bytes, number: 0 })
    }

    fn fields(&self, row: SheetRow) -> Result<Fields, RowFault> {
        let (have, header) = (row.cells.last().map_or(0, |(column, _)| column + 1), self.names.len());
        if have > header {
            return Err(RowFault::Ragged { have, header });
        }
        let mut budget = Budget::new(self.row_max_bytes);
        let mut fields: Fields = self.names.iter().map(|name| (Arc::clone(name), Cell::Missing)).collect();
        for (column, cell) in row.cells {
            budget.take(cell.scalar().map_or(0, str::len))?;
            fields[column].1 = cell;
        }
        Ok(fields)
    }
}

impl Iterator for Workbook {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        self.number += 1;
        let place = Place::Row(row.number);
        let fields = self.fields(row).map_err(|fault| fault.at(place));
        Some(fields.map(|fields| Row { place, number: self.number, fields, json: None }))
    }
}

fn fault(reason: impl Into<String>) -> ReadError {
    ReadError::Columnar { kind: "an Excel workbook", reason: reason.into() }
}

fn too_large() -> ReadError {
    fault("it is too large to be read; save the sheet as CSV")
}

fn copied(bytes: impl Read) -> Result<File, ReadError> {
    let mut file = tempfile::tempfile()?;
    // One byte more shows that it is too large.
    io::copy(&mut bytes.take(FILE_MAX_BYTES + 1), &mut file)?;
    Ok(file)
}

/// Unpacks what the reader will unpack, since the sizes in the archive's directory need not be true.
fn check_size(file: &mut File, max_bytes: usize) -> Result<(), ReadError> {
    if file.metadata()?.len() > FILE_MAX_BYTES {
        return Err(too_large());
    }
    let mut archive =
        ZipArchive::new(BufReader::new(&*file)).map_err(|error| fault(format!("it is damaged ({error})")))?;
    let mut left = max_bytes as u64;
    for place in 0..archive.len() {
        let part = archive.by_index(place).map_err(|error| fault(format!("it is damaged ({error})")))?;
        let size = io::copy(&mut part.take(left + 1), &mut io::sink())
            .map_err(|error| fault(format!("it is damaged ({error})")))?;
        left = left.checked_sub(size).ok_or_else(too_large)?;
    }
    file.rewind()?;
    Ok(())
}

/// Reads the cells of the first sheet that is shown.
fn sheet(file: File, max_bytes: usize) -> Result<Vec<SheetRow>, ReadError> {
    let unread = |error| fault(format!("{error}"));
    let mut workbook: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(unread)?;
    let is_table = |sheet: &&calamine::Sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    };
    let first = workbook.sheets_metadata().iter().find(is_table).map(|sheet| sheet.name.clone());
    let first = first.ok_or_else(|| fault("it has no sheet"))?;
    let mut reader = workbook.worksheet_cells_reader(&first).map_err(unread)?;
    let mut budget = Budget::new(max_bytes);
    let mut rows: Vec<SheetRow> = Vec::new();
    while let Some(read) = reader.next_cell().map_err(unread)? {
        let (row, column) = read.get_position();
        let cell = cell(read.get_value());
        if cell == Cell::Missing {
            continue;
        }
        budget.take(cell.scalar().map_or(0, str::len)).map_err(|_| too_large())?;
        let number = u64::from(row) + 1;
        let last = rows.last().map_or(0, |last| last.number);
        if number != last {
            rows.push(SheetRow { number, cells: Vec::new() });
        }
        let cells = rows.last_mut().map(|last| &mut last.cells).ok_or_else(too_large)?;
        let column = usize::try_from(column.min(COLUMNS_MAX)).map_err(|_| too_large())?;
        // Excel writes rows and cells in order.
        if number < last
            || column >= COLUMNS_MAX as usize
            || cells.last().is_some_and(|(last, _)| column <= *last)
        {
            return Err(fault("it is damaged (the order of its cells)"));
        }
        cells.push((column, cell));
    }
    Ok(rows)
}

fn cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty | DataRef::SharedString("") => Cell::Missing,
        DataRef::Int(value) => Cell::Number(value.to_string()),
        DataRef::Float(value) => float(*value, plain(*value)),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(time) => Cell::Text(moment(*time)),
        DataRef::Error(error) => Cell::Unread(format!("error, {error}")),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text)
            if text.is_empty() =>
        {
            Cell::Missing
        }
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::Text(text.clone())
        }
    }
}

/// Returns a number as it was typed. A workbook has no other than floating-point numbers, and Excel shows 15 digits of them.
fn plain(value: f64) -> String {
    let shown: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if shown.abs() < 1e15 { shown.to_string() } else { format!("{shown:?}") }
}

/// Returns a date, a time of day or both in ISO 8601, and a duration as hours, minutes and seconds.
fn moment(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    if time.is_duration() {
        let millis = (time.as_f64() * 86_400_000.0).round();
        let (hours, rest) = ((millis / 3_600_000.0).trunc(), (millis % 3_600_000.0).abs());
        return format!("{hours}:{:02}:{:02}", (rest / 60_000.0).trunc(), (rest % 60_000.0 / 1000.0).trunc());
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    if time.as_f64() < 1.0 {
        clock
    } else if clock == "00:00:00" {
        date
    } else {
        format!("{date}T{clock}")
    }
}
