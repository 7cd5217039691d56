use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_compression::tokio::write::ZstdEncoder;
use futures::TryStreamExt;
use reqwest::Response;
use runmill_proto::{
    DatasetId,
    api::{Dataset, ResultsQuery, Run},
};
use serde_json::value::RawValue;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncWriteExt},
};
use tokio_util::io::StreamReader;

use super::{End, Line, file_of};
use crate::client::{Client, ClientError};

/// Reason why a run or dataset is not in the archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("writing {}: {error}", .path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the server sent {found} results of the run {run}, which has {want}: nothing of it was deleted")]
    Incomplete { run: String, found: u64, want: u64 },
}

/// Writes a run with its results and calls. When this returns, the file is whole and on disk.
pub async fn write_run(client: &Client, folder: &Path, run: &Run) -> Result<(), ArchiveError> {
    let file = NewFile::create(folder, &run.id.to_string())?;
    let path = file.path.clone();
    let written = async {
        let mut file = file.open()?;
        file.line(&Line { run: Some(Box::new(run.clone())), ..Line::default() }).await?;
        let results = file.lines("result", client.results(run.id, &ResultsQuery::default()).await?).await?;
        let invocations = file.lines("invocation", client.invocations(run.id).await?).await?;
        if results != run.counters.settled {
            let (run, want) = (run.id.to_string(), run.counters.settled);
            return Err(Failure::Archive(ArchiveError::Incomplete { run, found: results, want }));
        }
        file.finish(End { results, invocations, items: 0 }).await
    };
    written.await.map_err(|failure| failure.at(&path))
}

/// Writes a dataset with its items. When this returns, the file is whole and on disk.
pub async fn write_dataset(client: &Client, folder: &Path, dataset: &Dataset) -> Result<(), ArchiveError> {
    let file = NewFile::create(folder, &dataset.id.to_string())?;
    let path = file.path.clone();
    let written = async {
        let mut file = file.open()?;
        file.line(&Line { dataset: Some(Box::new(dataset.clone())), ..Line::default() }).await?;
        let items = file.items(client, dataset.id).await?;
        file.finish(End { items, ..End::default() }).await
    };
    written.await.map_err(|failure| failure.at(&path))
}

/// Failure of a file whose path is named later.
enum Failure {
    Io(io::Error),
    Archive(ArchiveError),
}

impl Failure {
    fn at(self, path: &Path) -> ArchiveError {
        match self {
            Self::Io(error) => ArchiveError::Write { path: path.to_owned(), error },
            Self::Archive(error) => error,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Archive(error.into())
    }
}

/// A file that gets its name once it is whole. An earlier one of that name is replaced.
struct NewFile {
    folder: PathBuf,
    part: PathBuf,
    path: PathBuf,
}

impl NewFile {
    fn create(folder: &Path, id: &str) -> Result<Self, ArchiveError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| ArchiveError::Write { path: folder.to_owned(), error })?;
        let path = file_of(folder, id);
        Ok(Self { folder: folder.to_owned(), part: path.with_extension("zst.part"), path })
    }

    fn open(self) -> io::Result<Writing> {
        // Answers of models may be confidential.
        let file =
            fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(&self.part)?;
        Ok(Writing { to: ZstdEncoder::new(File::from_std(file)), file: self })
    }
}

struct Writing {
    to: ZstdEncoder<File>,
    file: NewFile,
}

impl Writing {
    async fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.to.write_all(&text).await
    }

    /// Writes the lines of an NDJSON body, each as the field `name` of an object. Returns their number.
    async fn lines(&mut self, name: &str, body: Response) -> io::Result<u64> {
        let reader = StreamReader::new(body.bytes_stream().map_err(io::Error::other));
        let (mut reader, mut line, mut count) = (tokio::io::BufReader::new(reader), Vec::new(), 0);
        let begin = format!("{{\"{name}\":");
        while reader.read_until(b'\n', &mut line).await? > 0 {
            self.to.write_all(begin.as_bytes()).await?;
            self.to.write_all(line.trim_ascii_end()).await?;
            self.to.write_all(b"}\n").await?;
            line.clear();
            count += 1;
        }
        Ok(count)
    }

    async fn items(&mut self, client: &Client, id: DatasetId) -> Result<u64, Failure> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = client.dataset_items::<Box<RawValue>>(id, after.as_deref()).await?;
            for item in &page.items {
                self.line(&Line { item: Some(item), ..Line::default() }).await?;
                count += 1;
            }
            let Some(next) = page.next else { return Ok(count) };
            after = Some(next);
        }
    }

    async fn finish(mut self, end: End) -> Result<(), Failure> {
        self.line(&Line { end: Some(end), ..Line::default() }).await?;
        self.to.shutdown().await?;
        self.to.into_inner().sync_all().await?;
        fs::rename(&self.file.part, &self.file.path)?;
        // The name is on disk, too, before the rows are deleted.
        fs::File::open(&self.file.folder)?.sync_all()?;
        Ok(())
    }
}
