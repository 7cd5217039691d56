use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, Write},
    path::Path,
};

use anyhow::Context;
use bytes::Bytes;
use futures::Stream;
use runmill_proto::{Item, ItemFault};
use runmill_store::DatasetHash;
use serde_json::{Map, Value};
use tempfile::SpooledTempFile;

use super::{fields::FieldMap, row_error::RowError};
use crate::exit::{UsageError, usage};

/// Checked items in runmill's format, ready for upload. They are kept in memory up to [`MEMORY_MAX_BYTES`], and in a
/// temporary file above it.
pub struct Items {
    lines: SpooledTempFile,
    pub count: u64,
    /// Number of the first line whose item has images.
    pub first_image: Option<u64>,
    /// Version hash of the dataset, which the server computes in the same way.
    pub version_hash: String,
}

const MEMORY_MAX_BYTES: usize = 16 * 1024 * 1024;

impl Items {
    /// Reads at most `limit` items of a file. With a map, the file is CSV or JSONL with other field names.
    pub fn read(path: &Path, map: Option<&str>, limit: Option<usize>) -> anyhow::Result<Self> {
        let file =
            File::open(path).map_err(|error| UsageError::new(format_args!("{}: {error}", path.display())))?;
        let map = map.map(FieldMap::parse).transpose()?;
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let name = path.display().to_string();
        let limit = limit.unwrap_or(usize::MAX);
        match map {
            Some(map) if is_csv => {
                Self::collect(&name, rows_of_csv(file).take(limit), |n, row| Line::of(&map.item(n, row)?))
            }
            Some(map) => {
                Self::collect(&name, rows_of_jsonl(file).take(limit), |n, row| Line::of(&map.item(n, row)?))
            }
            None if is_csv => usage("a CSV file needs --map, as --map question=prompt,answer=target"),
            None => Self::from_lines(&name, BufReader::new(file), limit),
        }
    }

    /// Reads items in runmill's format.
    pub fn from_lines(name: &str, lines: impl BufRead, limit: usize) -> anyhow::Result<Self> {
        let rows = filled_lines(lines).take(limit);
        Self::collect(name, rows, |_, line| {
            // The line is kept as it is, so that its hash is the same as at the server.
            let item = Item::from_upload(&line)?;
            Ok(Line { has_images: has_images(&item)?, text: line })
        })
    }

    fn collect<R>(
        name: &str,
        rows: impl Iterator<Item = (u64, anyhow::Result<R>)>,
        line: impl Fn(u64, R) -> Result<Line, RowError>,
    ) -> anyhow::Result<Self> {
        let mut items = Writer::default();
        for (n, row) in rows {
            let row = row.with_context(|| format!("{name}, line {n}"))?;
            let line =
                line(n, row).map_err(|fault| UsageError::new(format_args!("{name}, line {n}: {fault}")))?;
            items.push(&line.text)?;
            items.first_image = items.first_image.or(line.has_images.then_some(n));
        }
        if items.count == 0 {
            return usage(format_args!("{name} has no items"));
        }
        Ok(items.finish())
    }

    /// Reads the items one by one, from the first.
    pub fn read_again(&mut self) -> std::io::Result<impl Iterator<Item = anyhow::Result<Item>>> {
        self.lines.rewind()?;
        let lines = BufReader::new(&mut self.lines).lines();
        Ok(lines.map(|line| Ok(Item::from_json(&line?)?)))
    }

    /// Returns the lines as the body of a request. A background thread reads them.
    pub fn into_body(
        mut self,
    ) -> std::io::Result<impl Stream<Item = std::io::Result<Bytes>> + Send + 'static> {
        self.lines.rewind()?;
        let (sender, receiver) = tokio::sync::mpsc::channel(2);
        // The thread is detached. It ends at the end of the file, or when the body is dropped.
        tokio::task::spawn_blocking(move || {
            let mut buffer = vec![0; 256 * 1024];
            loop {
                let piece = self.lines.read(&mut buffer).map(|n| Bytes::copy_from_slice(&buffer[..n]));
                let last = !matches!(&piece, Ok(piece) if !piece.is_empty());
                if matches!(&piece, Ok(piece) if piece.is_empty())
                    || sender.blocking_send(piece).is_err()
                    || last
                {
                    return;
                }
            }
        });
        Ok(futures::stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|p| (p, receiver))
        }))
    }
}

/// An item in runmill's format.
struct Line {
    text: String,
    has_images: bool,
}

impl Line {
    fn of(item: &Item) -> Result<Self, RowError> {
        let text = serde_json::to_string(item).map_err(|error| ItemFault::Json(error.to_string()))?;
        Ok(Self { has_images: has_images(item)?, text })
    }
}

/// Returns true if the item has images, or a fault if it has inputs that cannot be sent.
fn has_images(item: &Item) -> Result<bool, RowError> {
    let inputs = &item.inputs;
    let unsent = [("audio", &inputs.audio), ("video", &inputs.video)];
    match unsent.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(RowError::Unsent(name)),
        None => Ok(!inputs.images.is_empty()),
    }
}

struct Writer {
    lines: SpooledTempFile,
    hash: DatasetHash,
    count: u64,
    first_image: Option<u64>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            lines: SpooledTempFile::new(MEMORY_MAX_BYTES),
            hash: DatasetHash::default(),
            count: 0,
            first_image: None,
        }
    }
}

impl Writer {
    fn push(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.lines, "{line}").context("writing a temporary file")?;
        self.hash.add(line);
        self.count += 1;
        Ok(())
    }

    fn finish(self) -> Items {
        let Self { lines, hash, count, first_image } = self;
        Items { lines, count, first_image, version_hash: hash.finish() }
    }
}

/// Returns the lines that are not blank, trimmed, each with its number, counted from 1.
fn filled_lines(mut reader: impl BufRead) -> impl Iterator<Item = (u64, anyhow::Result<String>)> {
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            number += 1;
            let mut line = Vec::new();
            match Read::take(&mut reader, Item::LINE_MAX_BYTES as u64).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Err(error) => return Some((number, Err(error.into()))),
                Ok(_) => match String::from_utf8(line) {
                    Err(_) => return Some((number, usage("the line is not UTF-8"))),
                    Ok(text) if text.trim().is_empty() => {}
                    Ok(text) => return Some((number, Ok(text.trim().to_owned()))),
                },
            }
        }
    })
}

type Row = (u64, anyhow::Result<Map<String, Value>>);

fn rows_of_jsonl(file: File) -> impl Iterator<Item = Row> {
    filled_lines(BufReader::new(file)).map(|(n, line)| {
        let row = line.and_then(|line| {
            serde_json::from_str(&line).map_err(|error| {
                UsageError::new(format_args!("the line is not a JSON object: {error}")).into()
            })
        });
        (n, row)
    })
}

fn rows_of_csv(file: File) -> impl Iterator<Item = Row> {
    let rows = csv::Reader::from_reader(BufReader::new(file))
        .into_deserialize::<std::collections::BTreeMap<String, String>>();
    (2..).zip(rows).map(|(n, row)| {
        let row = row.map(|row| row.into_iter().map(|(name, text)| (name, Value::String(text))).collect());
        (n, row.map_err(|error| UsageError::new(error).into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn csv_rows_become_items() {
        let (_folder, path) = write("set.csv", "prompt,target\n\"6 x 7, please?\",42\n1 + 1?,2\n");
        let items = Items::read(&path, Some("question=prompt,answer=target"), None).unwrap();
        assert_eq!(items.count, 2);
    }

    #[test]
    fn a_bad_line_is_named_by_file_and_number() {
        let (_folder, path) = write("set.jsonl", "\n{\"question\": \"?\"}\n");
        let error = Items::read(&path, None, None).err().unwrap().to_string();
        assert!(error.contains("set.jsonl, line 2: not an item: missing field"), "{error}");
        assert!(error.contains("--map"), "{error}");
    }

    #[test]
    fn inputs_that_cannot_be_sent_are_refused_with_their_line_and_images_are_noted() {
        let line =
            |inputs: &str| format!(r#"{{"id":"a","type":"freeform","inputs":{{"text":"?",{inputs}}}}}"#);
        let image = |url: &str| line(&format!(r#""images":[{{"url":"{url}"}}]"#));
        for (second, want) in [
            (line(r#""audio":{"data":"x"}"#), "line 2: it has `inputs.audio`, which runmill cannot send"),
            (image("pictures/x.png"), "line 2: `inputs.images[0]`: `url` must begin with https://"),
        ] {
            let (_folder, path) = write("set.jsonl", &format!("{}\n{second}\n", line(r#""audio":null"#)));
            let error = Items::read(&path, None, None).err().unwrap().to_string();
            assert!(error.contains(want) && !error.contains("--map"), "{error}");
        }
        let (_folder, path) = write("set.jsonl", &line(r#""images":[{"data":"abcd"}]"#));
        let error = Items::read(&path, None, None).err().unwrap().to_string();
        assert!(error.contains("not an item: an image is {\"url\": ...} or {\"mime_type\""), "{error}");
        let (_folder, path) = write("set.jsonl", &format!("\n{}\n", image("https://example.org/x.png")));
        assert_eq!(Items::read(&path, None, None).unwrap().first_image, Some(2));
    }

    #[test]
    fn items_can_be_looked_at_again_and_again() {
        let mut items =
            Items::from_lines("set", include_str!("../../../../tests/data/gsm8k.jsonl").as_bytes(), 3)
                .unwrap();
        for _ in 0..2 {
            let ids: Vec<_> = items.read_again().unwrap().map(|item| item.unwrap().id).collect();
            assert_eq!(ids, ["gsm8k-test-0001", "gsm8k-test-0002", "gsm8k-test-0003"]);
        }
    }

    #[test]
    fn the_limit_is_heard() {
        let (_folder, path) = write("set.jsonl", &"{\"q\":\"?\"}\n".repeat(5));
        assert_eq!(Items::read(&path, Some("question=q"), Some(3)).unwrap().count, 3);
    }
}
