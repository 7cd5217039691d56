use std::{fs, io::Write as _};

use futures::TryStreamExt as _;

use super::*;
use crate::run::testing;

/// Writes a file of the archive with these lines.
fn write(folder: &Path, id: impl Display, lines: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let compressed = runtime.block_on(async {
        use tokio::io::AsyncWriteExt as _;
        let mut to = async_compression::tokio::write::ZstdEncoder::new(Vec::new());
        to.write_all(lines.as_bytes()).await.unwrap();
        to.shutdown().await.unwrap();
        to.into_inner()
    });
    fs::File::create(file_of(folder, id)).unwrap().write_all(&compressed).unwrap();
}

fn read(folder: &Path, run: &Run) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let archived = ArchivedRun::open(folder, run.id).await.map_err(|error| error.to_string())?;
        assert_eq!(*archived.run, *run);
        let lines: Vec<Vec<u8>> =
            archived.results().try_collect().await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(lines.concat()).unwrap())
    })
}

#[test]
fn results_come_back_as_they_were_and_a_file_that_is_cut_is_refused() {
    let (folder, run) = (tempfile::tempdir().unwrap(), testing::run());
    let first = serde_json::to_string(&Line { run: Some(Box::new(run.clone())), ..Line::default() }).unwrap();
    let body =
        format!("{first}\n{{\"result\":{{\"a\":1.0}}}}\n{{\"result\":{{}}}}\n{{\"invocation\":{{}}}}\n");
    let path = folder.path();

    write(path, run.id, &format!("{body}{{\"end\":{{\"results\":2,\"invocations\":1}}}}\n"));
    assert_eq!(read(path, &run).unwrap(), "{\"a\":1.0}\n{}\n");

    for cut in [body.clone(), format!("{body}{{\"end\":{{\"results\":3,\"invocations\":1}}}}\n")] {
        write(path, run.id, &cut);
        assert!(read(path, &run).unwrap_err().contains("not whole"));
    }
    fs::remove_file(file_of(path, run.id)).unwrap();
    let error = read(path, &run).unwrap_err();
    assert!(error.contains(&run.id.to_string()) && error.contains("No such file"), "{error}");
}
