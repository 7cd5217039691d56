use std::io::Seek;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use runmill_export::{encoder, has_calls};
use runmill_proto::api::{ExportFormat, Run};
use tokio_util::io::ReaderStream;

use crate::archive::{ArchivedRun, Entry};

/// Returns the file of the results of an archived run. It is made in a temporary file, so that their number does not matter.
pub async fn encoded(
    archived: ArchivedRun,
    format: ExportFormat,
) -> anyhow::Result<impl Stream<Item = std::io::Result<Bytes>> + Unpin> {
    let mut file = tempfile::tempfile()?;
    let run: Run = (*archived.run).clone();
    let mut encoder = encoder(format, &run, std::io::BufWriter::new(file.try_clone()?))?;
    let mut entries = archived.entries();
    while let Some(entry) = entries.next().await {
        match entry? {
            Entry::Result(line) => encoder.results(&[serde_json::from_slice(&line)?])?,
            Entry::Call(line) if has_calls(format) => encoder.calls(&[serde_json::from_slice(&line)?])?,
            Entry::Call(_) => {}
        }
    }
    encoder.finish()?;
    file.rewind()?;
    Ok(ReaderStream::new(tokio::fs::File::from_std(file)))
}
