//! Uploads that are files of another form than items on lines: CSV, JSON, other fields, packed.

use std::{
    fmt::Display,
    io::{self, Read},
};

use bytes::{Buf, Bytes};
use futures::{Stream, StreamExt, stream};
use runmill_datasets::{Bounds, Format, Items, Mapping, NotRead, Options, Place, ReadError, Source};
use runmill_store::{StoreError, StoredItem};
use tokio::sync::mpsc;

use super::problem::ApiError;

/// Number of bytes by which a body is recognised.
const START_BYTES: usize = 64 * 1024;
/// Number of chunks of a body, and of items, that wait for their reader.
const WAITING: usize = 32;

/// Largest record batch of an Arrow file. Uploads run side by side, and each holds a batch.
const BATCH_MAX_BYTES: u64 = 32 * 1024 * 1024;

type Chunk = io::Result<Bytes>;

/// A body with its first bytes, which were read to recognise it.
pub struct Upload<B> {
    start: Vec<Bytes>,
    rest: B,
}

impl<B, E> Upload<B>
where
    B: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    E: Display + Send + 'static,
{
    /// Reads the start of a body.
    pub async fn begin(mut rest: B) -> Result<Self, ApiError> {
        let (mut start, mut read) = (Vec::new(), 0);
        while read < START_BYTES {
            match rest.next().await {
                None => break,
                Some(Ok(chunk)) => {
                    read += chunk.len();
                    start.push(chunk);
                }
                Some(Err(error)) => {
                    return Err(ApiError::bad_request(format!("the upload was interrupted: {error}")));
                }
            }
        }
        Ok(Self { start, rest })
    }

    /// Returns true if the body has items in runmill's format on its lines, or a line that cannot be told from one.
    pub fn has_items(&self) -> bool {
        let start = self.start.concat();
        let text = start.trim_ascii_start();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        text.is_empty() || text.starts_with(b"{") && is_line(first)
    }

    /// Returns the chunks of the whole body.
    pub fn chunks(self) -> impl Stream<Item = Chunk> + Send + Unpin {
        let rest = self.rest.map(|chunk| chunk.map_err(|error| io::Error::other(error.to_string())));
        stream::iter(self.start.into_iter().map(Ok)).chain(rest)
    }

    /// Reads the items of a file. A thread of its own reads it, since reading waits for the body.
    ///
    /// * `map`: fields of the parts of an item; without it, the first row decides.
    pub async fn items(
        self,
        map: Option<Mapping>,
        row_max_bytes: usize,
    ) -> Result<impl Stream<Item = Result<StoredItem, StoreError>> + Send, ApiError> {
        let (chunks, body) = mpsc::channel(WAITING);
        let (items, mut read) = mpsc::channel(WAITING);
        let mut all = self.chunks();
        tokio::spawn(async move {
            while let Some(chunk) = all.next().await {
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let bounds = Bounds { row_max_bytes, batch_max_bytes: BATCH_MAX_BYTES, ..Bounds::default() };
        let options = Options { map, bounds, ..Options::default() };
        tokio::task::spawn_blocking(move || {
            read_items(Body { chunks: body, chunk: Bytes::new() }, options, &items);
        });
        match read.recv().await {
            Some(Err(error)) => Err(ApiError::bad_request(error.to_string())),
            first => Ok(stream::iter(first)
                .chain(stream::unfold(read, async |mut read| read.recv().await.map(|item| (item, read))))
                .zip(stream::iter(1..))
                .map(|(item, number)| item.map_err(|error| bad_line(&error, number)))),
        }
    }
}

/// Returns true for the beginning of an item in runmill's format, and for what is no JSON, whose error is that of a line.
fn is_line(line: &[u8]) -> bool {
    let has = |name: &str| line.windows(name.len()).any(|window| window == name.as_bytes());
    has("\"inputs\"") || has("\"custom_id\"") || serde_json::from_slice::<serde_json::Value>(line).is_err()
}

fn read_items(body: Body, options: Options, items: &mpsc::Sender<Result<StoredItem, ReadError>>) {
    let opened = Source::read(body).and_then(|source| match source.format {
        // Its description is at its end, and says how much memory is needed.
        Format::Parquet => Err(not_over_the_api("Parquet")),
        Format::Workbook => Err(not_over_the_api("an Excel workbook")),
        _ => Items::of(source, options),
    });
    let rows: Box<dyn Iterator<Item = _>> = match opened {
        Ok(opened) => Box::new(opened),
        Err(error) => Box::new(std::iter::once(Err(error))),
    };
    for row in rows {
        let is_last = row.is_err();
        let item = row.map(|read| StoredItem { item_id: read.item.id, body: read.line });
        if items.blocking_send(item).is_err() || is_last {
            return;
        }
    }
}

fn not_over_the_api(kind: &'static str) -> ReadError {
    let advice = "`runmill run` reads it; over the API, send JSONL, CSV or Arrow";
    ReadError::NotRead(NotRead { kind, advice })
}

/// Returns the error of an upload. A fault of the file itself is named by the number of the item that was read.
fn bad_line(error: &ReadError, number: u64) -> StoreError {
    let (line, reason) = match error {
        ReadError::Row { place, fault } => (place, fault.to_string()),
        ReadError::Item { place, fault } => (place, fault.to_string()),
        error => (&Place::Row(number), error.to_string()),
    };
    let (Place::Line(line) | Place::Row(line)) = *line;
    StoreError::BadLine { line, reason }
}

/// The body as bytes for a thread that may wait.
struct Body {
    chunks: mpsc::Receiver<Chunk>,
    chunk: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk?,
            }
        }
        let read = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..read]);
        Ok(read)
    }
}
