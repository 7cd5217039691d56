//! Every type of a column means the same in each format that has types.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use runmill_datasets::{Bounds, Cell, Rows, Source};

const FILES: [&str; 5] = [
    "types.parquet",
    "types-uncompressed.feather",
    "types-lz4.feather",
    "types-zstd.feather",
    "types-views.arrow",
];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/public").join(file)
}

/// Returns the rows of a file as names and JSON, in which missing values are `null`.
fn rows(rows: Rows) -> Vec<Vec<(String, Cell)>> {
    rows.map(|row| row.unwrap().fields.into_iter().map(|(name, cell)| (name.to_string(), cell)).collect())
        .collect()
}

/// Returns a value in a short form.
fn said(cell: &Cell) -> String {
    match cell {
        Cell::Missing => "-".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Number(digits) => digits.clone(),
        Cell::NotFinite(name) => (*name).to_owned(),
        Cell::Text(text) => format!("'{text}'"),
        Cell::List(items) => format!("[{}]", items.iter().map(said).collect::<Vec<_>>().join(" ")),
        Cell::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, cell)| format!("{name}:{}", said(cell))).collect();
            format!("{{{}}}", fields.join(" "))
        }
        Cell::Unread(kind) => format!("({kind})"),
    }
}

#[test]
fn each_type_is_the_same_value_in_parquet_and_arrow() {
    let table = [
        ("text", "'Grün'", "''"),
        ("large_text", "'a\nb'", "'x'"),
        ("coded_text", "'red'", "'blue'"),
        ("nothing", "-", "-"),
        ("truth", "true", "false"),
        ("small", "-1", "0"),
        ("large", "18446744073709551615", "0"),
        ("half", "0.5", "42.0"),
        ("single", "0.1", "42.0"),
        ("double", "42.0", "NaN"),
        ("money", "5.10", "-0.01"),
        ("whole", "100000000000000000000000000000", "-7"),
        ("day", "'2026-12-01'", "'1969-12-31'"),
        ("second", "'2026-12-01T10:00:00'", "-"),
        ("milli", "'2026-12-01T10:00:00.25'", "-"),
        ("micro", "'2026-12-01T10:00:00.25Z'", "-"),
        ("nano", "'2026-12-01T10:00:00.25Z'", "-"),
        ("clock", "'10:30:00.25'", "-"),
        ("fine_clock", "'10:30:00'", "-"),
        ("list", "[1 -]", "[]"),
        ("large_list", "['a' 'b']", "[]"),
        ("pair", "[1 2]", "[3 4]"),
        ("moments", "['2026-12-01T10:00:00.25' '2026-12-01T10:00:00.25']", "[]"),
        ("object", "{a:1 at:'2026-12-01T10:00:00.25'}", "{a:- at:-}"),
        ("objects", "[{label:'A' text:'up'}]", "[]"),
        ("map", "{\"a\":1 b:-}", "{}"),
        ("bytes", "'text'", "(binary)"),
        ("fixed", "'four'", "(binary)"),
    ];
    for file in FILES {
        let rows = rows(Rows::open(&path(file), Bounds::default()).unwrap());
        assert_eq!(rows.len(), 3, "{file}");
        let names: Vec<_> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, table.map(|(name, ..)| name), "{file}");
        for ((name, first, second), column) in table.iter().zip(0..) {
            let have = [said(&rows[0][column].1), said(&rows[1][column].1)];
            assert_eq!(have, [(*first).to_owned(), (*second).to_owned()], "{file}: {name}");
        }
        for (name, cell) in &rows[2] {
            let is_filled = ["coded_text", "double"].contains(&name.as_str());
            assert_eq!(*cell == Cell::Missing, !is_filled, "{file}: {name}");
        }
    }
}

#[test]
fn a_file_that_comes_once_has_the_same_rows() {
    for file in FILES {
        let bytes = File::open(path(file)).unwrap();
        let streamed = Rows::of(Source::read(bytes).unwrap(), Bounds::default()).unwrap();
        assert_eq!(rows(streamed), rows(Rows::open(&path(file), Bounds::default()).unwrap()), "{file}");
    }
}
