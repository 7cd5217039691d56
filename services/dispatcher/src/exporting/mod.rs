//! Files of a run's results, which are made while a client reads them.
//!
//! A task reads pages from the store, and a thread for blocking calls encodes them and waits for the client. Both channels
//! between are short, so that a run of any size needs the memory of some pages, and a slow client stops the reading.

mod chunks;
#[cfg(test)]
mod tests;

use std::{future, io, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use runmill_export::{ExportError, encoder, has_calls};
use runmill_proto::{
    InvocationId, RunId,
    api::{DetailedResult, ExportFormat, InvocationRecord, Run},
};
use runmill_store::{DispatcherStore, StoreError};
use tokio::{
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
};

use crate::results::Results;
use chunks::Chunks;

/// Largest number of exports at once. Each has a thread until its client has read the file.
const EXPORTS_MAX: usize = 16;
/// Number of pages, and of chunks of the file, that wait for their reader.
const WAITING: usize = 1;
/// Number of calls that are read at once.
const CALLS: u32 = 1_000;

/// Makes files of results.
#[derive(Clone)]
pub struct Exports {
    store: Arc<dyn DispatcherStore>,
    places: Arc<Semaphore>,
}

/// Error for an export that must wait for another one's end.
#[derive(Debug, thiserror::Error)]
#[error("as many exports are being made as may be at once ({EXPORTS_MAX}); ask for this one again later")]
pub struct TooManyExports;

/// Part of what an encoder gets.
enum Part {
    Results(Vec<DetailedResult>),
    Calls(Vec<InvocationRecord>),
    Failed(StoreError),
    /// Everything was read. Without it, the reading was interrupted.
    End,
}

impl Exports {
    pub fn new(store: Arc<dyn DispatcherStore>) -> Self {
        Self { store, places: Arc::new(Semaphore::new(EXPORTS_MAX)) }
    }

    /// Begins a file, and returns its bytes. They end with an error if the file is not whole. When the stream is dropped, the
    /// reading ends.
    pub fn begin(
        &self,
        format: ExportFormat,
        run: Run,
        results: Results,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, TooManyExports> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| TooManyExports)?;
        let (to_encoder, parts) = mpsc::channel(WAITING);
        let (to_client, chunks) = mpsc::channel(WAITING);
        tokio::spawn(read(self.store.clone(), run.id, results.detailed(), format, to_encoder));
        spawn_blocking(move || {
            let _place = place;
            if let Err(error) = encode(format, &run, parts, to_client.clone()) {
                // Nobody reads it if the client has gone, which is no fault then.
                let told = to_client.blocking_send(Err(io::Error::other(error.to_string())));
                if told.is_ok() {
                    tracing::warn!(event = "export.failed", run_id = %run.id, %format, %error);
                }
            }
        });
        Ok(stream::unfold(chunks, async |mut chunks| Some((chunks.recv().await?, chunks))))
    }
}

/// Reads everything that a file of this format has, until the encoder has gone.
async fn read(
    store: Arc<dyn DispatcherStore>,
    run: RunId,
    results: Results,
    format: ExportFormat,
    to: mpsc::Sender<Part>,
) {
    let results = results.pages().map_ok(Part::Results);
    let calls = has_calls(format).then(|| calls(store, run).map_ok(Part::Calls));
    let calls = stream::iter(calls).flatten();
    let parts = results.chain(calls).chain(stream::once(future::ready(Ok(Part::End))));
    let mut parts = std::pin::pin!(parts);
    while let Some(part) = parts.next().await {
        let (part, is_last) = match part {
            Ok(part) => (part, false),
            Err(error) => (Part::Failed(error), true),
        };
        if to.send(part).await.is_err() || is_last {
            return;
        }
    }
}

fn calls(
    store: Arc<dyn DispatcherStore>,
    run: RunId,
) -> impl Stream<Item = Result<Vec<InvocationRecord>, StoreError>> + Send {
    let start = (store, run, None::<InvocationId>);
    stream::try_unfold(start, async |(store, run, after)| {
        let rows = store.invocations(run, after, CALLS).await?;
        Ok(rows.last().map(|last| last.id).map(|last| (rows, (store, run, Some(last)))))
    })
}

fn encode(
    format: ExportFormat,
    run: &Run,
    mut parts: mpsc::Receiver<Part>,
    to: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), ExportError> {
    let mut encoder = encoder(format, run, Chunks::new(to))?;
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Results(results) => encoder.results(&results)?,
            Part::Calls(calls) => encoder.calls(&calls)?,
            Part::Failed(error) => return Err(io::Error::other(error).into()),
            Part::End => return encoder.finish(),
        }
    }
    Err(io::Error::other("the results could not be read to the end").into())
}
