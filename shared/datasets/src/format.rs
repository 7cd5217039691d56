use std::fmt;

/// Kind of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object on each line.
    Jsonl,
    /// A JSON list of objects.
    JsonList,
    /// A table with a header, whose cells have this separator.
    Table(u8),
    Parquet,
}

/// Compression of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

/// Kinds that are recognised and not read: the first bytes, the name, and how to make a file that is read.
const NOT_READ: [(&[u8], &str, &str); 13] = [
    (
        b"ARROW1",
        "an Arrow (Feather) file",
        "ds.to_parquet(...) or df.to_parquet(...) makes a file that is read",
    ),
    // The mark of a message, which begins with its schema.
    (b"\xff\xff\xff\xff", "an Arrow stream", "ds.to_parquet(...) makes a file that is read"),
    (
        b"PK\x03\x04",
        "an Excel workbook or another zip archive",
        "save the sheet as CSV, or unpack the archive",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ", "an xz file", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"%PDF", "a PDF", "runmill reads JSONL, JSON, CSV, TSV and Parquet"),
    (b"Obj\x01", "an Avro file", "runmill reads JSONL, JSON, CSV, TSV and Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (
        b"\x80\x04\x95",
        "a Python pickle",
        "df.to_json(..., orient=\"records\", lines=True) makes a file that is read",
    ),
];

/// Error for a file of a kind that is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is {kind}, which runmill does not read; {advice}")]
pub struct NotRead {
    pub kind: &'static str,
    pub advice: &'static str,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Separators that are tried, the likelier first.
const SEPARATORS: [u8; 3] = [b',', b'\t', b';'];
/// Number of records by which a separator is judged.
const RECORDS: usize = 20;

impl Compression {
    /// Returns the compression of a file that begins with these bytes.
    pub fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl Format {
    /// Recognises a file that is not compressed by its first bytes, which should be some kilobytes.
    pub fn of(start: &[u8]) -> Result<Self, NotRead> {
        if let Some((_, kind, advice)) = NOT_READ.iter().find(|(bytes, ..)| start.starts_with(bytes)) {
            return Err(NotRead { kind, advice });
        }
        if start.starts_with(b"PAR1") {
            return Ok(Self::Parquet);
        }
        if start.len() >= 4 && start[1] == 0 && start[3] == 0 || start.starts_with(b"\0") {
            return Err(NotRead { kind: "text in UTF-16 or no text", advice: "save it as UTF-8" });
        }
        let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
        Ok(match text.first() {
            Some(b'{') => Self::Jsonl,
            Some(b'[') => Self::JsonList,
            _ => Self::Table(separator(text)),
        })
    }
}

/// Returns the separator that divides the first records of a table into the most cells, as many in each record.
fn separator(start: &[u8]) -> u8 {
    let cells = |separator: u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(start);
        let lengths: Vec<_> =
            reader.byte_records().take(RECORDS).flatten().map(|record| record.len()).collect();
        // The last record may be cut off.
        let whole = if lengths.len() > 1 { &lengths[..lengths.len() - 1] } else { &lengths[..] };
        let first = whole.first().copied().unwrap_or(0);
        let equal = whole.iter().filter(|length| **length == first).count();
        if first > 1 { (equal * 2 > whole.len(), first) } else { (false, 0) }
    };
    // The first of equals.
    let mut best = SEPARATORS[0];
    for separator in SEPARATORS {
        if cells(separator) > cells(best) {
            best = separator;
        }
    }
    best
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Jsonl => "JSONL",
            Self::JsonList => "a JSON list",
            Self::Table(b'\t') => "TSV",
            Self::Table(b';') => "CSV with semicolons",
            Self::Table(_) => "CSV",
            Self::Parquet => "Parquet",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognised_by_its_bytes() {
        let table: [(&[u8], Format); 11] = [
            (b"{\"q\": 1}\n", Format::Jsonl),
            (b"\xef\xbb\xbf\n {\"q\": 1}", Format::Jsonl),
            (b" [\n{\"q\": 1}]", Format::JsonList),
            (b"q,a\n1,2\n", Format::Table(b',')),
            (b"\xef\xbb\xbfq;a\n\"1;0\";2\n", Format::Table(b';')),
            (b"q\ta\nyes, no\tb\n", Format::Table(b'\t')),
            (b"q,a\n\"one; two; three; four\",b\n", Format::Table(b',')),
            (b"question\nHow many, and why?\nWhat?\n", Format::Table(b',')),
            (b"q;a\nyes, no;b\nmaybe, so;c\n", Format::Table(b';')),
            (b"", Format::Table(b',')),
            (b"PAR1....", Format::Parquet),
        ];
        for (bytes, want) in table {
            assert_eq!(Format::of(bytes), Ok(want), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_file_that_is_not_read_is_named() {
        for (bytes, want) in [
            (&b"PK\x03\x04...."[..], "this is an Excel workbook or another zip archive"),
            (b"\xff\xfe{\0", "this is text in UTF-16"),
            (b"q\0,\0a\0", "this is text in UTF-16"),
            (b"%PDF-1.7", "this is a PDF"),
            (b"ARROW1\0\0", "this is an Arrow (Feather) file"),
            (b"\xff\xff\xff\xff\x10\0\0\0", "this is an Arrow stream"),
        ] {
            let fault = Format::of(bytes).unwrap_err().to_string();
            assert!(fault.starts_with(want), "{fault}");
        }
    }
}
