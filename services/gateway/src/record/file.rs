use std::{io, path::Path, sync::Arc};

use tokio::{fs, io::AsyncWriteExt, sync::mpsc};

use super::call::CallRecord;

/// Records that wait for the file. When so many do, further ones are left out of it and counted: a call never
/// waits for the disk.
const WAITING_MAX: usize = 65_536;
const BATCH_MAX: usize = 1_024;

pub(super) type Waiting = mpsc::Sender<Arc<CallRecord>>;

/// Opens the file to append to it. The second half writes until every [`Waiting`] is dropped.
pub(super) async fn open(
    path: &Path,
) -> io::Result<(Waiting, impl Future<Output = io::Result<()>> + Send + use<>)> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path).await?;
    let (waiting, records) = mpsc::channel(WAITING_MAX);
    Ok((waiting, write(file, records)))
}

async fn write(mut file: fs::File, mut records: mpsc::Receiver<Arc<CallRecord>>) -> io::Result<()> {
    let (mut batch, mut lines) = (Vec::with_capacity(BATCH_MAX), Vec::new());
    while records.recv_many(&mut batch, BATCH_MAX).await > 0 {
        lines.clear();
        for record in batch.drain(..) {
            super::push_line(&mut lines, &record);
        }
        file.write_all(&lines).await?;
        file.flush().await?;
    }
    Ok(())
}
