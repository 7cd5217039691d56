use std::{
    io,
    path::{Path, PathBuf},
};

use async_compression::tokio::bufread::ZstdDecoder;
use futures::{Stream, stream};
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
        Box::pin(stream::try_unfold(self, async |mut this| {
            Ok(this.next_result().await?.map(|result| (result, this)))
        }))
    }

    async fn next_result(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        loop {
            text.clear();
            if self.lines.read_until(b'\n', &mut text).await? == 0 {
                return Err(cut());
            }
            let line: Line<'_> = serde_json::from_slice(&text)?;
            match line {
                Line { result: Some(result), .. } => {
                    self.found.results += 1;
                    return Ok(Some(format!("{result}\n").into_bytes()));
                }
                Line { invocation: Some(_), .. } => self.found.invocations += 1,
                Line { end: Some(end), .. } if end == self.found => return Ok(None),
                _ => return Err(cut()),
            }
        }
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive of the run is not whole")
}
