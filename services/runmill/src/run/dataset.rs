use std::{
    io::{BufRead, BufReader, Read, Seek, Write},
    path::Path,
};

use anyhow::Context;
use bytes::Bytes;
use futures::Stream;
use runmill_datasets::{Ids, Items as Reading, Mapping, Options, Place, ReadError, ReadItem, Source};
use runmill_proto::{Item, Scoring};
use runmill_store::DatasetHash;
use tempfile::SpooledTempFile;

use super::{ahead::Ahead, references::References};
use crate::exit::{UsageError, usage};

/// Checked items in runmill's format, ready for upload. They are kept in memory up to [`MEMORY_MAX_BYTES`], and in a
/// temporary file above it.
pub struct Items {
    lines: SpooledTempFile,
    pub count: u64,
    /// Place of the first item that has images.
    pub first_image: Option<Place>,
    /// Version hash of the dataset, which the server computes in the same way.
    pub version_hash: String,
    /// Use of the references to the scorer.
    pub references: References,
}

const MEMORY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// How a dataset's file is read.
#[derive(Default)]
pub struct ReadOptions<'a> {
    /// Value of `--map`.
    pub map: Option<&'a str>,
    /// Largest number of items.
    pub limit: Option<usize>,
    /// Names that the prompt template uses.
    pub used: Vec<String>,
    /// The run's scorer, with which the references are checked.
    pub scoring: Option<&'a Scoring>,
}

/// Opens the file of a dataset, or standard input if it is `-`.
pub fn open(path: &Path, options: &ReadOptions<'_>) -> anyhow::Result<Reading> {
    let map = options.map.map(Mapping::parse).transpose();
    let map = map.map_err(|error| UsageError::new(format_args!("--map: {error}")))?;
    let used = options.used.clone();
    let reading = Reading::open(path, Options { map, used, ..Options::default() });
    Ok(reading.map_err(|error| in_file(&name_of(path), &error))?)
}

/// Returns the name of a dataset's file, for messages.
pub fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Returns the error of a file with the file's name.
pub fn in_file(name: &str, error: &ReadError) -> UsageError {
    match error {
        ReadError::Row { .. } | ReadError::Item { .. } => UsageError::new(format_args!("{name}, {error}")),
        error => UsageError::new(format_args!("{name}: {error}")),
    }
}

impl Items {
    /// Reads the items of a file, and puts each line `ahead`, too.
    pub fn read(path: &Path, options: &ReadOptions<'_>, ahead: Option<Ahead>) -> anyhow::Result<Self> {
        Self::collect(&name_of(path), open(path, options)?, options, ahead)
    }

    /// Reads items of a text that is part of the program.
    pub fn of_text(name: &str, text: &'static str, limit: Option<usize>) -> anyhow::Result<Self> {
        let reading =
            Source::read(text.as_bytes()).and_then(|source| Reading::of(source, Options::default()));
        let reading = reading.map_err(|error| in_file(name, &error))?;
        Self::collect(name, reading, &ReadOptions { limit, ..ReadOptions::default() }, None)
    }

    fn collect(
        name: &str,
        reading: Reading,
        options: &ReadOptions<'_>,
        ahead: Option<Ahead>,
    ) -> anyhow::Result<Self> {
        let mut items = Writer { ahead, ..Writer::default() };
        for read in reading.take(options.limit.unwrap_or(usize::MAX)) {
            let read = read.map_err(|error| in_file(name, &error))?;
            items.ids.add(&read).map_err(|same| UsageError::new(format_args!("{name}, {same}")))?;
            items.push(&read, options.scoring)?;
        }
        if items.count == 0 {
            return usage(format_args!("{name} has no items"));
        }
        Ok(items.finish())
    }

    /// Reads the first item.
    pub fn first(&mut self) -> anyhow::Result<Option<Item>> {
        self.read_again()?.next().transpose()
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

#[derive(Default)]
struct Writer {
    lines: Spool,
    hash: DatasetHash,
    count: u64,
    ids: Ids,
    first_image: Option<Place>,
    references: References,
    ahead: Option<Ahead>,
}

/// File in memory that moves to the disk as it grows.
struct Spool(SpooledTempFile);

impl Default for Spool {
    fn default() -> Self {
        Self(SpooledTempFile::new(MEMORY_MAX_BYTES))
    }
}

impl Writer {
    fn push(&mut self, read: &ReadItem, scoring: Option<&Scoring>) -> anyhow::Result<()> {
        self.references.add(read, scoring);
        writeln!(self.lines.0, "{}", read.line).context("writing a temporary file")?;
        if let Some(ahead) = &mut self.ahead {
            ahead.push(&read.line);
        }
        self.hash.add(&read.line);
        self.count += 1;
        if self.first_image.is_none() && !read.item.inputs.images.is_empty() {
            self.first_image = Some(read.place);
        }
        Ok(())
    }

    fn finish(self) -> Items {
        let Self { lines, hash, count, first_image, references, ahead, .. } = self;
        if let Some(ahead) = ahead {
            ahead.end();
        }
        Items { lines: lines.0, count, first_image, version_hash: hash.finish(), references }
    }
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

    fn read(path: &Path) -> anyhow::Result<Items> {
        Items::read(path, &ReadOptions::default(), None)
    }

    fn mapped(path: &Path, map: &str) -> anyhow::Result<Items> {
        Items::read(path, &ReadOptions { map: Some(map), ..ReadOptions::default() }, None)
    }

    #[test]
    fn csv_rows_become_items() {
        let (_folder, path) = write("set.csv", "prompt,target\n\"6 x 7, please?\",42\n1 + 1?,2\n");
        assert_eq!(mapped(&path, "question=prompt,answer=target").unwrap().count, 2);
    }

    #[test]
    fn a_bad_line_is_named_by_file_and_number() {
        let good = r#"{"id":"a","type":"freeform","inputs":{"text":"?"}}"#;
        let (_folder, path) = write("set.jsonl", &format!("{good}\n\n{{\"id\":\"b\",\"type\":\"essay\"}}\n"));
        let error = format!("{:#}", read(&path).err().unwrap());
        assert!(error.contains("set.jsonl, line 3: not an item: ") && error.contains("--map"), "{error}");
    }

    #[test]
    fn an_id_that_two_items_have_is_named_with_both_lines() {
        for (name, text) in [
            ("set.jsonl", "{\"q\":\"?\",\"n\":7}\n\n{\"q\":\"!\",\"n\":7}\n"),
            ("set.csv", "q,n\n?,7\n\n!,7\n"),
        ] {
            let (_folder, path) = write(name, text);
            let error = mapped(&path, "question=q,id=n").err().unwrap();
            assert!(error.is::<UsageError>(), "{error}");
            let error = error.to_string();
            let (first, second) = if name.ends_with("csv") { (2, 4) } else { (1, 3) };
            assert!(
                error.contains(&format!("{name}, line {second}: the id `7` is that of line {first}, too")),
                "{error}"
            );
        }
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
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains(want) && !error.contains("--map"), "{error}");
        }
        let (_folder, path) = write("set.jsonl", &line(r#""images":[{"data":"abcd"}]"#));
        let error = read(&path).err().unwrap().to_string();
        assert!(error.contains("not an item: an image is {\"url\": ...} or {\"mime_type\""), "{error}");
        let (_folder, path) = write("set.jsonl", &format!("\n{}\n", image("https://example.org/x.png")));
        assert_eq!(read(&path).unwrap().first_image, Some(Place::Line(2)));
    }

    #[test]
    fn items_can_be_looked_at_again_and_again() {
        let text = include_str!("../../../../tests/data/gsm8k.jsonl");
        let mut items = Items::of_text("set", text, Some(3)).unwrap();
        for _ in 0..2 {
            let ids: Vec<_> = items.read_again().unwrap().map(|item| item.unwrap().id).collect();
            assert_eq!(ids, ["gsm8k-test-0001", "gsm8k-test-0002", "gsm8k-test-0003"]);
        }
    }

    #[test]
    fn the_limit_is_heard() {
        let (_folder, path) = write("set.jsonl", &"{\"q\":\"?\"}\n".repeat(5));
        let options = ReadOptions { map: Some("question=q"), limit: Some(3), ..ReadOptions::default() };
        assert_eq!(Items::read(&path, &options, None).unwrap().count, 3);
    }
}
