//! A listener for HTTP/1.1 whose connections are bounded in number, age and idleness, and that waits for no client for
//! long.

mod body;
mod certificates;
mod connection;
mod limits;
mod metrics;
mod pace;
mod paced_io;
mod room;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use runmill_tls::ServerTls;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;

pub use body::BodyTooSlow;
pub use limits::HttpLimits;
pub use metrics::HttpMetrics;

use connection::Connection;
use room::{Room, Visit};

/// Way in which a listener is served.
pub struct HttpServer {
    pub limits: HttpLimits,
    pub metrics: HttpMetrics,
    /// Certificates. If `None`, the listener serves plain HTTP.
    pub tls: Option<Arc<ServerTls>>,
}

/// A server with what it serves.
struct Served {
    server: HttpServer,
    router: Router,
}

/// The connection of a request, which is an extension of the request.
#[derive(Clone)]
pub struct Visitor {
    room: Arc<Room>,
    visit: Arc<Visit>,
}

impl Visitor {
    /// Counts the connection among [`HttpLimits::connections`]. Returns false if there are too many, and none of them can be
    /// closed.
    pub fn sign_in(&self) -> bool {
        self.room.sign_in(&self.visit)
    }
}

/// Pause after an error of the listener, and between two attempts to make room.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// Time that the system has to deliver what was sent, before it gives the connection up. A peer that vanished, or that
/// reads nothing, is found by it even if nothing waits for it here.
#[cfg(target_os = "linux")]
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

impl HttpServer {
    /// Serves `router` until `stop`, then waits for the requests in progress. A drop ends all connections.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let seats = Arc::new(Semaphore::new(self.limits.connections + self.limits.strangers));
        let room = Arc::new(Room::new(self.limits.connections));
        let served = Arc::new(Served { server: self, router });
        let mut connections = JoinSet::new();
        if let Some(tls) = served.server.tls.clone() {
            let metrics = served.server.metrics.clone();
            connections.spawn(certificates::watch(tls, metrics, stop.clone()));
        }
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_ended) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(seat) = stop.run_until_cancelled(find_seat(&seats, &room)).await else { break };
                    prepare(&stream);
                    connections.spawn(attend(
                        served.clone(),
                        (stream, peer),
                        room.clone(),
                        seat,
                        stop.clone(),
                    ));
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(event = "http.accept_failed", %error, "no connection can be accepted");
                    room.make_room();
                    stop.run_until_cancelled(time::sleep(RETRY_AFTER)).await;
                }
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Returns a free seat. If there is none, a connection that waits gives up its own.
async fn find_seat(seats: &Arc<Semaphore>, room: &Room) -> OwnedSemaphorePermit {
    loop {
        if let Ok(seat) = seats.clone().try_acquire_owned() {
            return seat;
        }
        room.make_room();
        // A connection that is closed gives up its seat when its task has ended.
        if let Ok(seat) = time::timeout(RETRY_AFTER, seats.clone().acquire_owned()).await {
            return seat.expect("this semaphore is never closed");
        }
    }
}

async fn attend(
    served: Arc<Served>,
    (stream, peer): (TcpStream, SocketAddr),
    room: Arc<Room>,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let (id, visit) = room.enter(peer.ip());
    served.server.metrics.open.inc();
    let visitor = Visitor { room: room.clone(), visit };
    let end = Connection { served: &served, visitor, stop }.run(stream).await;
    served.server.metrics.count(end);
    served.server.metrics.open.dec();
    room.leave(id);
    drop(seat);
}

fn prepare(stream: &TcpStream) {
    // Both make a connection better, and it works without them.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(DELIVERY_TIMEOUT));
}

/// Returns true for an error of the connection that was about to be accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
