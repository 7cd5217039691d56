//! Any bytes are items or an error.

use std::{io::Cursor, path::Path};

use proptest::prelude::*;
use runmill_datasets::{Bounds, Items, Options, Source};

/// Reads all of a file, and returns the number of its items and errors. A file of bytes has no more than bytes.
fn read(bytes: Vec<u8>) -> usize {
    let most = bytes.len() + 1;
    let options =
        Options { bounds: Bounds { row_max_bytes: 500, ..Bounds::default() }, ..Options::default() };
    let items = Source::read(Cursor::new(bytes)).and_then(|source| Items::of(source, options));
    items.map_or(1, |items| items.take(most).count())
}

/// Beginnings of each format, so that their readers see more than text.
const BEGINNINGS: [&[u8]; 11] = [
    b"",
    b"{\"question\":\"?\",\"answer\":",
    b"[{\"question\":\"?\"},",
    b"question,answer\n",
    b"question\tA\tB\tanswer\n?\t",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"\x28\xb5\x2f\xfd",
    b"ARROW1\0\0\xff\xff\xff\xff\x08\0\0\0",
    b"\xff\xff\xff\xff\x80\0\0\0",
    b"PK\x03\x04xl/",
    b"\xef\xbb\xbf{\"input\":[{\"role\":\"user\",\"content\":",
];

/// Files whose bytes are changed: at least one of each format but Parquet, whose reader takes sizes on trust.
const FILES: [&str; 17] = [
    "arc.jsonl",
    "gsm8k.jsonl",
    "hellaswag.csv",
    "humaneval.jsonl.gz",
    "inspect.jsonl",
    "lm-eval.jsonl",
    "openai-evals.jsonl",
    "promptfoo.csv",
    "truthfulqa.json",
    "../hellaswag-raw-20.csv",
    "arc.arrow",
    "mmlu.feather",
    "types-lz4.feather",
    "types-uncompressed.feather",
    "types-views.arrow",
    "types-zstd.feather",
    "workbook.xlsx",
];

proptest! {
    #[test]
    fn any_bytes_end(beginning in prop::sample::select(&BEGINNINGS[..]), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        read([beginning, &rest].concat());
    }

    #[test]
    fn any_text_ends(beginning in prop::sample::select(&BEGINNINGS[..]), rest in "[\\[\\]{}\",:;|=\\t\\n0-9a-z'\\\\ ]{0,100}") {
        read([beginning, rest.as_bytes()].concat());
    }

    #[test]
    fn public_files_with_other_bytes_end(file in prop::sample::select(&FILES[..]), changes in prop::collection::vec(any::<(u16, u8)>(), 1..4)) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/public").join(file);
        let mut bytes = std::fs::read(path).unwrap();
        for (place, byte) in changes {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        read(bytes);
    }
}
