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
    /// Arrow's IPC file, also called Feather.
    ArrowFile,
    /// Arrow's IPC stream.
    ArrowStream,
    /// Excel's `.xlsx`.
    Workbook,
}

/// Compression of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

/// Advice for a kind that no simple command makes into another.
const READ: &str = "runmill reads JSONL, JSON, CSV, TSV, Parquet, Arrow and Excel";

/// Advice for a kind that pandas reads.
const LINES: &str = "df.to_json(..., orient=\"records\", lines=True) makes a file that is read";

/// Kinds that are recognised and not read: the first bytes, the name, and how to make a file that is read.
const NOT_READ: [(&[u8], &str, &str); 19] = [
    (
        b"FEA1",
        "a Feather file of version 1",
        "df.to_feather(...) of today's pandas, or df.to_parquet(...), makes a file that is read",
    ),
    (b"PK\x03\x04", "a zip archive", "unpack it; of a spreadsheet, save the sheet as CSV or .xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Excel workbook", "save the sheet as CSV or .xlsx"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ", "an xz file", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"%PDF", "a PDF", READ),
    (b"Obj\x01", "an Avro file", READ),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"\x80\x04\x95", "a Python pickle", LINES),
    (b"\x80\x05\x95", "a Python pickle", LINES),
    (b"\x93NUMPY", "a numpy array", LINES),
    (b"\x89HDF", "an HDF5 file", LINES),
    (b"---\n", "YAML", LINES),
    // A download may bring these instead of the file.
    (b"version https://git-lfs", "a pointer of Git LFS", "`git lfs pull` fetches the file itself"),
    (b"<!", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
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

/// Returns true for a workbook: a zip archive that begins with one of its parts.
fn is_workbook(start: &[u8]) -> bool {
    let has = |name: &[u8]| memchr::memmem::find(start, name).is_some();
    start.starts_with(b"PK\x03\x04")
        && [&b"[Content_Types].xml"[..], b"xl/", b"docProps/"].into_iter().any(has)
}

impl Format {
    /// Recognises a file that is not compressed by its first bytes, which should be some kilobytes.
    pub fn of(start: &[u8]) -> Result<Self, NotRead> {
        if is_workbook(start) {
            return Ok(Self::Workbook);
        }
        if let Some((_, kind, advice)) = NOT_READ.iter().find(|(bytes, ..)| start.starts_with(bytes)) {
            return Err(NotRead { kind, advice });
        }
        // The mark of a stream stands before the length of its first message.
        let marks: [(&[u8], Self); 3] = [
            (b"PAR1", Self::Parquet),
            (b"ARROW1", Self::ArrowFile),
            (b"\xff\xff\xff\xff", Self::ArrowStream),
        ];
        if let Some((_, format)) = marks.into_iter().find(|(mark, _)| start.starts_with(mark)) {
            return Ok(format);
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
            Self::ArrowFile => "Arrow",
            Self::ArrowStream => "an Arrow stream",
            Self::Workbook => "the first sheet of an Excel workbook",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognised_by_its_bytes() {
        let table: [(&[u8], Format); 14] = [
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
            (b"PK\x03\x04....[Content_Types].xml", Format::Workbook),
            (b"ARROW1\0\0", Format::ArrowFile),
            (b"\xff\xff\xff\xff\x10\0\0\0", Format::ArrowStream),
        ];
        for (bytes, want) in table {
            assert_eq!(Format::of(bytes), Ok(want), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_file_that_is_not_read_is_named() {
        for (bytes, want) in [
            (&b"PK\x03\x04...."[..], "this is a zip archive"),
            (b"\xff\xfe{\0", "this is text in UTF-16"),
            (b"q\0,\0a\0", "this is text in UTF-16"),
            (b"%PDF-1.7", "this is a PDF"),
            (b"FEA1....", "this is a Feather file of version 1"),
            (b"---\nquestion: 4\n", "this is YAML"),
            (b"version https://git-lfs.github.com/spec/v1\n", "this is a pointer of Git LFS"),
            (b"<!DOCTYPE html>", "this is a web page"),
        ] {
            let fault = Format::of(bytes).unwrap_err().to_string();
            assert!(fault.starts_with(want), "{fault}");
        }
    }
}
