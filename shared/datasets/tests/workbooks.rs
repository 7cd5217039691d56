//! Excel's workbooks: what a cell means, and what is refused before memory is taken.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
};

use runmill_datasets::{Bounds, Cell, ReadError, Row, Rows, Source};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/public/workbook.xlsx")
}

fn rows(bytes: Vec<u8>) -> Result<Vec<Row>, ReadError> {
    let bounds = Bounds { workbook_max_bytes: 100_000, ..Bounds::default() };
    Rows::of(Source::read(Cursor::new(bytes))?, bounds)?.collect()
}

/// Returns the workbook with another text for a part of it.
fn with(part: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(fs::read(path()).unwrap())).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let name = file.name().unwrap().into_owned();
        writer.start_file(&*name, SimpleFileOptions::default()).unwrap();
        let text = if name == part { change(text) } else { text };
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const SHEET: &str = "xl/worksheets/sheet1.xml";

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn number(digits: &str) -> Cell {
    Cell::Number(digits.to_owned())
}

#[test]
fn cells_are_read_as_they_are_shown() {
    let rows: Vec<_> = Rows::open(&path(), Bounds::default()).unwrap().collect::<Result<_, _>>().unwrap();
    let names: Vec<_> = rows[0].fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["question", "answer", "share", "day", "at", "known", "code", "column 8", "kind"]);
    let cells = |row: usize| rows[row].fields.iter().map(|(_, cell)| cell.clone()).collect::<Vec<_>>();
    let none = Cell::Missing;
    let first = [
        text("What is 6 x 7?"),
        number("42"),
        number("0.1"),
        text("2026-12-01"),
        text("2026-12-01T10:00:00.250"),
        Cell::Bool(true),
        text("007"),
    ];
    assert_eq!(cells(0), [&first[..], &[none.clone(), none.clone()]].concat());
    let second = [
        text("Grün,\nor red?"),
        number("42.5"),
        number("0.3"),
        none.clone(),
        none.clone(),
        Cell::Bool(false),
    ];
    let error = Cell::Unread("error, #N/A".into());
    assert_eq!(cells(1), [&second[..], &[none.clone(), none.clone(), error]].concat());
    assert_eq!(cells(2)[..3], [text("Why?"), number("1e20"), none]);
    assert_eq!(rows.iter().map(|row| row.place.to_string()).collect::<Vec<_>>(), ["row 2", "row 3", "row 4"]);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_workbook_that_comes_once_has_the_same_rows() {
    let file = fs::read(path()).unwrap();
    let want: Vec<_> = Rows::open(&path(), Bounds::default()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows(file).unwrap(), want);
}

#[test]
fn the_header_is_checked_as_that_of_other_tables() {
    let twice = with(SHEET, |text| text.replace("I1", "J1"));
    assert_eq!(rows(twice).unwrap()[0].fields.len(), 10);
    let ragged = with(SHEET, |text| text.replace("r=\"I3\"", "r=\"K3\""));
    assert_eq!(rows(ragged).unwrap_err().to_string(), "row 3: it has 11 cells, and the header has 9");
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let bomb = with(SHEET, |text| text + &" ".repeat(200_000));
    let mut refers_often = with(SHEET, |text| {
        let row = |n| format!("<row r=\"{n}\"><c r=\"A{n}\" t=\"s\"><v>0</v></c></row>");
        let rows: String = (10..210).map(row).collect();
        text.replace("</sheetData>", &(rows + "</sheetData>"))
    });
    let mut writer = ZipWriter::new_append(Cursor::new(&mut refers_often)).unwrap();
    writer.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).unwrap();
    write!(writer, "<sst><si><t>{}</t></si></sst>", "x".repeat(1000)).unwrap();
    writer.finish().unwrap();
    for bytes in [bomb, refers_often] {
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        let fault = rows(bytes).unwrap_err().to_string();
        assert!(fault.contains("it is too large to be read; save the sheet as CSV"), "{fault}");
    }
}

#[test]
fn damaged_workbooks_are_errors() {
    let whole = fs::read(path()).unwrap();
    for length in (60..whole.len()).step_by(97) {
        assert!(rows(whole[..length].to_vec()).is_err(), "{length}");
    }
    for (part, from, to, want) in [
        (SHEET, "r=\"B2\"", "r=\"XFE2\"", "the order of its cells"),
        (SHEET, "r=\"B2\"", "r=\"A2\"", "the order of its cells"),
        ("xl/workbook.xml", "<sheet ", "<other ", "it has no sheet"),
    ] {
        let fault = rows(with(part, |text| text.replace(from, to))).unwrap_err().to_string();
        assert!(fault.starts_with("the file cannot be read as an Excel workbook: "), "{fault}");
        assert!(fault.contains(want), "{to}: {fault}");
    }
}
