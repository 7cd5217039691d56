use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    AnswerKey, CallRecord, GatewaySettings, Stats,
    behaviour::Catalog,
    record::{Recorder, Writing},
    route::route,
};

/// An idle connection is closed after this time. Long, because a client that finds its pooled connection closed has
/// a failure that it did not ask for.
const IDLE_MAX: Duration = Duration::from_mins(10);
/// Before accepting again when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running gateway. Dropped, it stops without waiting.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    app: Arc<App>,
    writing: Option<Writing>,
    tasks: TaskTracker,
    stop: DropGuard,
}

/// Why a gateway does not run, or did not record.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot write the record of calls to {}", .path.display())]
    Record { path: PathBuf, source: io::Error },
    #[error("the writing of the record of calls did not end well")]
    Recording(#[source] io::Error),
}

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct App {
    pub key: Option<AnswerKey>,
    pub models: Catalog,
    pub recorder: Arc<Recorder>,
    pub body_bytes_max: usize,
}

impl Gateway {
    /// Listens, and serves on the current tokio runtime.
    pub async fn start(settings: GatewaySettings) -> Result<Self, GatewayError> {
        let GatewaySettings {
            listen,
            answer_key,
            record_to,
            calls_kept_max,
            body_bytes_max,
            connections_max,
            clock,
        } = settings;
        let listen_error = |source| GatewayError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (recorder, writing) = Recorder::start(clock, calls_kept_max, record_to.as_deref())
            .await
            .map_err(|source| GatewayError::Record { path: record_to.unwrap_or_default(), source })?;
        let models = Catalog::new(answer_key.is_some());
        let app = Arc::new(App { key: answer_key, models, recorder: Arc::new(recorder), body_bytes_max });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let server =
            Server { listener, app: app.clone(), connections_max, tasks: tasks.clone(), stop: stop.clone() };
        tasks.spawn(server.run());
        Ok(Self { address, app, writing, tasks, stop: stop.drop_guard() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an `OpenAI` client takes as its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Up to `limit` calls that ended after number `after`, in the order of their ends.
    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        self.app.recorder.calls(after, limit)
    }

    pub fn stats(&self) -> Stats {
        self.app.recorder.stats()
    }

    /// Breaks off all calls, which are recorded as hung up, and writes the rest of the record. An error is the
    /// record's: its file is incomplete.
    pub async fn stop(self) -> Result<(), GatewayError> {
        let Self { app, writing, tasks, stop, .. } = self;
        drop(stop);
        tasks.close();
        tasks.wait().await;
        // With the last recorder goes the channel, and the writer ends when that is empty.
        drop(app);
        match writing {
            Some(writing) => {
                writing.await.map_err(io::Error::other).flatten().map_err(GatewayError::Recording)
            }
            None => Ok(()),
        }
    }
}

struct Server {
    listener: TcpListener,
    app: Arc<App>,
    connections_max: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    async fn run(self) {
        let slots = Arc::new(Semaphore::new(self.connections_max));
        while let Some((slot, stream)) = self.stop.run_until_cancelled(self.accept(&slots)).await {
            let serve = serve(stream, self.app.clone());
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _slot = slot;
                stop.run_until_cancelled(serve).await;
            });
        }
    }

    /// The slot first: what cannot be served is better left to the backlog.
    async fn accept(&self, slots: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream) {
        let slot = slots.clone().acquire_owned().await.expect("this semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (slot, stream),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// Serves one connection to its end. What ends it badly is the client's doing, or ours on purpose: it is in the
/// record of its calls.
async fn serve(stream: TcpStream, app: Arc<App>) {
    // Without it, small pieces of a stream wait for the acknowledgement of the ones before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(route(&app, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_MAX)
        .serve_connection(TokioIo::new(stream), service);
    drop(connection.await);
}
