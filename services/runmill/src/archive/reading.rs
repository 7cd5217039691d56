use std::{
    io,
    path::{Path, PathBuf},
};

use async_compression::tokio::bufread::ZstdDecoder;
use futures::{Stream, TryStreamExt as _, stream};
use runmill_proto::{RunId, api::Run};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, BufReader},
};

use super::{End, Line, file_of};

/// Reason why a file of the archive cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct Unreadable {
    path: PathBuf,
    reason: String,
}

/// Row of a run in an archive, as JSON.
pub enum Entry {
    Result(Vec<u8>),
    Call(Vec<u8>),
}

/// A run in an archive. Its results are read when they are asked for.
pub struct ArchivedRun {
    pub run: Box<Run>,
    lines: BufReader<ZstdDecoder<BufReader<File>>>,
    found: End,
}

impl ArchivedRun {
    pub async fn open(folder: &Path, id: RunId) -> Result<Self, Unreadable> {
        let path = file_of(folder, id);
        let unreadable = |reason: String| Unreadable { path: path.clone(), reason };
        let file = File::open(&path).await.map_err(|error| unreadable(error.to_string()))?;
        let mut lines = BufReader::new(ZstdDecoder::new(BufReader::new(file)));
        let mut first = Vec::new();
        lines.read_until(b'\n', &mut first).await.map_err(|error| unreadable(error.to_string()))?;
        let line: Line<'_> = serde_json::from_slice(&first).map_err(|error| unreadable(error.to_string()))?;
        let run = line.run.ok_or_else(|| unreadable("it is not the archive of a run".to_owned()))?;
        Ok(Self { run, lines, found: End::default() })
    }

    /// Returns the results, each as a line of JSON. The last one is an error if the file is not whole.
    pub fn results(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Unpin {
        Box::pin(self.entries().try_filter_map(async |entry| match entry {
            Entry::Result(mut line) => {
                line.push(b'\n');
                Ok(Some(line))
            }
            Entry::Call(_) => Ok(None),
        }))
    }

    /// Returns the results and then the calls. The last one is an error if the file is not whole.
    pub fn entries(self) -> impl Stream<Item = io::Result<Entry>> + Unpin {
        Box::pin(stream::try_unfold(self, async |mut this| {
            Ok(this.next_entry().await?.map(|entry| (entry, this)))
        }))
    }

    async fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut text = Vec::new();
        if self.lines.read_until(b'\n', &mut text).await? == 0 {
            return Err(cut());
        }
        let line: Line<'_> = serde_json::from_slice(&text)?;
        match line {
            Line { result: Some(result), .. } => {
                self.found.results += 1;
                Ok(Some(Entry::Result(result.get().as_bytes().to_vec())))
            }
            Line { invocation: Some(call), .. } => {
                self.found.invocations += 1;
                Ok(Some(Entry::Call(call.get().as_bytes().to_vec())))
            }
            Line { end: Some(end), .. } if end == self.found => Ok(None),
            _ => Err(cut()),
        }
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive of the run is not whole")
}
