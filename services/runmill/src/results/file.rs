use std::{
    error::Error,
    fs::{self, File},
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use runmill_proto::api::{ExportFormat, ResultsQuery, Run};
use tokio::io::AsyncWriteExt;

use crate::{client::Client, exit::UsageError, screen::PrintError};

/// Place of a run's results, which `--out` names. It is opened before the first call, so that nothing is paid for results
/// that cannot be written.
pub struct ResultsFile {
    /// Path as the user named it.
    path: PathBuf,
    format: ExportFormat,
    target: Target,
}

enum Target {
    StandardOutput,
    /// A new file beside the named one, which it replaces once it has all results: an earlier file stays until then.
    Part {
        part: PathBuf,
        whole: PathBuf,
    },
    /// A file that cannot be replaced, such as a pipe or a device.
    Itself(File),
}

impl ResultsFile {
    /// Opens the place. `-` is standard output. The format is that of the path's suffix, unless it is given. Any other name
    /// stands for JSON lines.
    pub fn open(path: &Path, format: Option<ExportFormat>) -> anyhow::Result<Self> {
        let target = if path == "-" { Ok(Target::StandardOutput) } else { Target::open(path) };
        let target =
            target.map_err(|error| UsageError::new(format_args!("--out {}: {error}", path.display())))?;
        let told = path.file_name().and_then(|name| ExportFormat::of_file_name(&name.to_string_lossy()));
        let format = format.or(told).unwrap_or(ExportFormat::Jsonl);
        Ok(Self { path: path.to_owned(), format, target })
    }

    pub const fn is_standard_output(&self) -> bool {
        matches!(self.target, Target::StandardOutput)
    }

    pub const fn format(&self) -> ExportFormat {
        self.format
    }

    /// Writes the results that a run has at a server. Returns the file that has them if they are only a part of the run's, and
    /// a file of that name does not. `None` also if there are none yet.
    pub async fn export(
        self,
        client: &Client,
        run: &Run,
        query: &ResultsQuery,
        is_whole: bool,
    ) -> anyhow::Result<Option<PathBuf>> {
        let exported = client.export(run.id, self.format, query).await?;
        self.write(run, exported.bytes_stream().map_err(io::Error::other), is_whole).await
    }

    /// As [`ResultsFile::export`], with the bytes of the file.
    pub async fn write(
        self,
        run: &Run,
        body: impl Stream<Item = io::Result<Bytes>> + Unpin,
        is_whole: bool,
    ) -> anyhow::Result<Option<PathBuf>> {
        let Self { path, target, .. } = self;
        target.write(body, is_whole).await.with_context(|| {
            format!(
                "writing {}; `runmill runs results {} --out FILE` writes the results to another file",
                path.display(),
                run.id
            )
        })
    }
}

impl Target {
    fn open(path: &Path) -> io::Result<Self> {
        let whole = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => return append(path).map(Self::Itself),
            // A link stays, and the file that it names is replaced.
            Ok(_) => fs::canonicalize(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let mut part = whole.clone().into_os_string();
        part.push(".part");
        match append(Path::new(&part)) {
            Ok(_) => Ok(Self::Part { part: part.into(), whole }),
            // A file can be writable in a folder that takes no new ones.
            Err(_) if whole.exists() => append(&whole).map(Self::Itself),
            Err(error) => Err(error),
        }
    }

    async fn write(
        self,
        body: impl Stream<Item = Result<impl AsRef<[u8]>, impl Error + Send + Sync + 'static>> + Unpin,
        is_whole: bool,
    ) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::StandardOutput => {
                let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
                copy(body, &mut tokio::fs::File::from_std(file)).await.map_err(printed)?;
            }
            Self::Itself(ref file) => {
                let file = file.try_clone()?;
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                copy(body, &mut tokio::fs::File::from_std(file)).await?;
            }
            Self::Part { ref part, ref whole } => {
                let mut file = tokio::fs::File::create(part).await?;
                copy(body, &mut file).await?;
                file.sync_all().await?;
                if !is_whole {
                    let has_some = file.metadata().await?.len() > 0;
                    return Ok(has_some.then(|| part.clone()));
                }
                if let Ok(earlier) = fs::metadata(whole) {
                    let _ = fs::set_permissions(part, earlier.permissions());
                }
                fs::rename(part, whole)?;
            }
        }
        Ok(None)
    }
}

impl Drop for Target {
    /// Removes the new file if nothing was written to it.
    fn drop(&mut self) {
        if let Self::Part { part, .. } = self
            && fs::metadata(&*part).is_ok_and(|found| found.len() == 0)
        {
            let _ = fs::remove_file(part);
        }
    }
}

/// Opens a file for writing and leaves what it has.
fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

/// Tells a reader that has gone from other failures of standard output.
fn printed(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<io::Error>() {
        Ok(error) => PrintError::from(error).into(),
        Err(other) => other,
    }
}

async fn copy(
    mut body: impl Stream<Item = Result<impl AsRef<[u8]>, impl Error + Send + Sync + 'static>> + Unpin,
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
) -> anyhow::Result<()> {
    while let Some(piece) = body.next().await {
        to.write_all(piece?.as_ref()).await?;
    }
    Ok(to.flush().await?)
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn results(text: &'static str) -> impl Stream<Item = reqwest::Result<&'static [u8]>> + Unpin {
        stream::iter([Ok(text.as_bytes())])
    }

    #[tokio::test]
    async fn an_earlier_file_stays_until_all_results_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        fs::write(&path, "earlier").unwrap();

        let target = Target::open(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
        let part = target.write(results("some"), false).await.unwrap().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
        assert_eq!(fs::read_to_string(&part).unwrap(), "some");

        let written = Target::open(&path).unwrap().write(results("all"), true).await.unwrap();
        assert_eq!((written, fs::read_to_string(&path).unwrap().as_str()), (None, "all"));
        assert!(!part.exists());
    }

    #[tokio::test]
    async fn a_place_that_is_not_used_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        drop(Target::open(&folder.path().join("out.jsonl")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_part_without_results_is_not_named_and_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::open(&folder.path().join("out.jsonl")).unwrap();
        assert_eq!(target.write(results(""), false).await.unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("no/such/out.jsonl")] {
            let error = ResultsFile::open(&path, None).err().unwrap();
            assert!(error.is::<UsageError>() && error.to_string().starts_with("--out /"), "{error}");
        }
    }
}
