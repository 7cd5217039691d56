use std::{io, path::Path, sync::Arc};

use tokio::{fs, io::AsyncWriteExt, sync::mpsc};

use super::call::CallRecord;

/// Maximum number of records that wait for the file. Further ones are left out of it and counted, because a call must
/// not wait for the disk.
const QUEUE_MAX: usize = 65_536;
const BATCH_MAX: usize = 1_024;

pub(super) type FileQueue = mpsc::Sender<Arc<CallRecord>>;

/// Opens the file to append to it. The future in the result writes until every [`FileQueue`] is dropped.
pub(super) async fn open(
    path: &Path,
) -> io::Result<(FileQueue, impl Future<Output = io::Result<()>> + Send + use<>)> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path).await?;
    let (queue, records) = mpsc::channel(QUEUE_MAX);
    Ok((queue, write(file, records)))
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
