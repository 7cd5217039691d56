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
    app::App,
    behaviour::Catalog,
    limit::Limiter,
    record::{CallRecord, FileTask, Recorder, Stats},
    route::route,
    settings::GatewaySettings,
};

/// Time after which an idle connection is closed. It is long, because a client that reuses a closed connection gets a
/// failure that the model's name does not ask for.
const IDLE_MAX: Duration = Duration::from_mins(10);
/// Pause before the next accept after a failed one, for example when the process has no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running gateway. It stops when it is dropped, without waiting for its tasks.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    app: Arc<App>,
    writing: Option<FileTask>,
    tasks: TaskTracker,
    stop: DropGuard,
}

/// Reason why a gateway did not start, or has no complete record.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot write the record of calls to {}", .path.display())]
    Record { path: PathBuf, source: io::Error },
    #[error("the record of calls is incomplete: a write failed")]
    Recording(#[source] io::Error),
}

impl Gateway {
    /// Starts to listen, and serves on the current tokio runtime.
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
        let app = Arc::new(App {
            key: answer_key,
            models,
            limiter: Limiter::default(),
            recorder: Arc::new(recorder),
            body_bytes_max,
            released: CancellationToken::new(),
        });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let server =
            Server { listener, app: app.clone(), connections_max, tasks: tasks.clone(), stop: stop.clone() };
        tasks.spawn(server.run());
        Ok(Self { address, app, writing, tasks, stop: stop.drop_guard() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL for clients of `OpenAI`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns up to `limit` calls with numbers above `after`, in the order in which they ended.
    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        self.app.recorder.calls(after, limit)
    }

    pub fn stats(&self) -> Stats {
        self.app.recorder.stats()
    }

    /// Lets all calls to models with `hold` answer, now and later.
    pub fn release(&self) {
        self.app.released.cancel();
    }

    /// Ends all open calls, records them with status 499, and writes the rest of the record's file.
    ///
    /// # Errors
    /// If a write failed, so that the file is incomplete.
    pub async fn stop(self) -> Result<(), GatewayError> {
        let Self { app, writing, tasks, stop, .. } = self;
        drop(stop);
        tasks.close();
        tasks.wait().await;
        // Dropping the last recorder closes the channel to the file's task, which ends when the channel is empty.
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
            let serve = serve_connection(stream, self.app.clone());
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _slot = slot;
                stop.run_until_cancelled(serve).await;
            });
        }
    }

    /// Waits for a slot before it accepts, so that connections without a slot stay in the backlog.
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

/// Serves one connection to its end. An error is ignored: either the client broke the connection or a model's name
/// asked for that, and the record of the calls shows it.
async fn serve_connection(stream: TcpStream, app: Arc<App>) {
    // With Nagle's algorithm, small pieces of a stream wait until the client has acknowledged the earlier ones.
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
