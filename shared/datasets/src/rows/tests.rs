use std::io::{Cursor, Write};

use super::Rows;
use crate::{Bounds, Cell, ReadError, Row, Source};

fn rows(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
    let bounds = Bounds { row_max_bytes: 200, ..Bounds::default() };
    Rows::of(Source::read(Cursor::new(bytes.to_vec()))?, bounds)?.collect()
}

fn fault(bytes: &[u8]) -> String {
    rows(bytes).unwrap_err().to_string()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[test]
fn all_formats_have_the_same_rows() {
    let jsonl = "{\"q\":\"6 x 7?\",\"a\":\"42\"}\n\n{\"q\":\"one,\\ntwo\",\"a\":\"b\"}\n";
    let csv = "q,a\n6 x 7?,42\n\n\"one,\ntwo\",b\n";
    let list = "[\n{\"q\":\"6 x 7?\",\n\"a\":\"42\"} ,{\"q\":\"one,\\ntwo\",\"a\":\"b\"}]\n";
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(csv.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = zstd::encode_all(jsonl.as_bytes(), 1).unwrap();
    let files: [(&[u8], [u64; 2]); 8] = [
        (jsonl.as_bytes(), [1, 3]),
        (&[b"\xef\xbb\xbf", jsonl.as_bytes()].concat(), [1, 3]),
        (csv.as_bytes(), [2, 4]),
        (
            &[b"\xef\xbb\xbf", csv.replace('\n', "\r\n").replace("one,\r\n", "one,\n").as_bytes()].concat(),
            [2, 4],
        ),
        (b"q\ta\n6 x 7?\t42\n\"one,\ntwo\"\tb\n", [2, 3]),
        (list.as_bytes(), [2, 3]),
        (&gzip, [2, 4]),
        (&zstd, [1, 3]),
    ];
    for (bytes, lines) in files {
        let rows = rows(bytes).unwrap();
        let name = String::from_utf8_lossy(bytes);
        for (row, (line, want)) in rows.iter().zip(lines.iter().zip([["6 x 7?", "42"], ["one,\ntwo", "b"]])) {
            assert_eq!(row.place.to_string(), format!("line {line}"), "{name}");
            let names: Vec<_> = row.fields.iter().map(|(name, _)| &**name).collect();
            let cells: Vec<_> = row.fields.iter().map(|(_, cell)| cell.clone()).collect();
            assert_eq!((names, cells), (vec!["q", "a"], want.map(text).to_vec()), "{name}");
        }
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2], "{name}");
    }
}

#[test]
fn a_bad_row_is_named_by_the_line_of_the_file() {
    let long = "x".repeat(250);
    let huge = "x".repeat(200_000);
    let table: [(&str, &str); 12] = [
        ("q,a\n\"one\ntwo\",b\nragged\n", "line 4: it has 1 cells, and the header has 2"),
        ("q,q,a\n1,2,3\n", "the header names the column `q` twice"),
        ("{\"q\":1}\n{\"q\":1,\"q\":2}\n", "line 2: the key `q` occurs twice"),
        ("{\"q\":1}\n\n[1]\n", "line 3: it is a list, and each row must be a JSON object"),
        ("{\n  \"q\": 1\n}\n", "line 1: the JSON of this line is not whole"),
        (&format!("{{\"q\":1}}\n{{\"q\":\"{long}\"}}\n"), "line 2: it is longer than 200 bytes"),
        (&format!("{{\"q\":1}}\n{{\"q\":\"{huge}\"}}\n"), "line 2: it is longer than 200 bytes"),
        (&format!("q,a\n1,2\n1,{long}\n"), "line 3: it is longer than 200 bytes"),
        (&format!("q,a\n1,2\n1,\"{huge}\n"), "line 3: it is longer than 200 bytes"),
        (&format!("[{{\"q\":1}},\n{{\"q\":\"{long}\"}}]"), "line 2: it is longer than 200 bytes"),
        ("[{\"q\":1},\n2]", "line 2: it is the number 2, and each row must be"),
        ("[{\"q\":1}\n", "line 2: the JSON of this line is not whole"),
    ];
    for (bytes, want) in table {
        let fault = fault(bytes.as_bytes());
        assert!(fault.starts_with(want), "{}: {fault}", &bytes[..bytes.len().min(60)]);
    }
    assert_eq!(fault(b"q,a\n1,2\nGr\xfcn,2\n"), "line 3: it is not UTF-8");
    assert_eq!(fault(b"{\"q\":1}\n{\"q\":\"Gr\xfcn\"}\n"), "line 2: it is not UTF-8");
}

#[test]
fn the_lines_behind_one_that_is_too_long_keep_their_numbers() {
    let huge = "x".repeat(100_000);
    for (file, lines) in [
        (format!("{{\"q\":1}}\n{{\"q\":\"{huge}\"}}\n{{\"q\":3}}\n"), ["line 1", "line 2: it is", "line 3"]),
        (format!("q\n1\n{huge}\n3\n"), ["line 2", "line 3: it is", "line 4"]),
    ] {
        let bounds = Bounds { row_max_bytes: 200, ..Bounds::default() };
        let rows = Rows::of(Source::read(Cursor::new(file.into_bytes())).unwrap(), bounds).unwrap();
        let places: Vec<_> =
            rows.map(|row| row.map_or_else(|error| error.to_string(), |row| row.place.to_string())).collect();
        assert_eq!(places.len(), 3, "{places:?}");
        assert!(places.iter().zip(lines).all(|(place, want)| place.starts_with(want)), "{places:?}");
    }
}

#[test]
fn lists_end_as_lists_do() {
    for (list, want) in [("[]", 0), ("[ ]\n", 0), ("[{}]", 1), ("[{},{}]", 2)] {
        assert_eq!(rows(list.as_bytes()).unwrap().len(), want, "{list}");
    }
    for list in ["[{}", "[{},]", "[{}{}]", "[{}] x", "[,{}]", "["] {
        assert!(rows(list.as_bytes()).is_err(), "{list}");
    }
}

#[test]
fn headers_are_trimmed_and_empty_cells_are_missing() {
    let rows = rows(b", review , sentiment\n0,,good\n").unwrap();
    let fields: Vec<_> = rows[0].fields.iter().map(|(name, cell)| (&**name, cell.clone())).collect();
    assert_eq!(fields, [("column 1", text("0")), ("review", Cell::Missing), ("sentiment", text("good"))]);
}

#[test]
fn characters_that_some_tools_take_for_line_ends_are_kept_within_texts() {
    let odd = "a\u{2028}b\u{85}c\0d";
    let csv = format!("q,a\r\n\"{odd}\",1\r\nx,2\r\n");
    let jsonl = format!(
        "{{\"q\":\"{}\",\"a\":\"1\"}}\r\n{{\"q\":\"x\",\"a\":\"2\"}}\r\n",
        odd.replace('\0', "\\u0000")
    );
    for file in [&csv, &csv.replace("\r\n", "\r"), &jsonl] {
        let rows = rows(file.as_bytes()).unwrap();
        let cells: Vec<_> = rows.iter().map(|row| row.fields[0].1.clone()).collect();
        assert_eq!(cells, [text(odd), text("x")], "{file:?}");
    }
}

#[test]
fn a_broken_archive_says_so() {
    let mut zstd = zstd::encode_all(&b"{\"q\":1}\n"[..], 1).unwrap();
    let last = zstd.len() - 3;
    zstd.truncate(last);
    assert!(rows(&zstd).unwrap_err().to_string().contains("cannot be unpacked"));
}
