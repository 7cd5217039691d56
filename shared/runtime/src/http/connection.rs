use std::{convert::Infallible, error::Error as _, future::pending, io, pin::pin, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    HttpLimits, Served, Visitor,
    body::{LastPart, PacedBody},
    pace::Pace,
    paced_io::PacedIo,
    room::Wait,
};

/// Time in which what was on its way at the end may still arrive.
const LAST_HEAD: Duration = Duration::from_secs(1);

/// Reason why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client closed it, or the server after a complete exchange.
    InOrder,
    MadeRoom,
    /// No head came in time.
    NoHead,
    /// The client did not take its answer.
    NotTaken,
    /// No TLS was agreed upon.
    NoTls,
}

pub struct Connection<'a> {
    pub served: &'a Served,
    pub visitor: Visitor,
    pub stop: CancellationToken,
}

impl Connection<'_> {
    pub async fn run(&self, stream: TcpStream) -> End {
        let opened = Instant::now();
        let io = PacedIo::new(stream, self.pace(1), self.visitor.visit.clone());
        let Some(tls) = &self.served.server.tls else { return self.exchange(io, opened).await };
        let secured = tokio::select! {
            secured = TlsAcceptor::from(tls.current()).accept(io).into_fallible() => secured,
            () = self.visitor.visit.closed.cancelled() => return End::MadeRoom,
            () = self.head_missing(opened) => return End::NoHead,
            () = self.stop.cancelled() => return End::InOrder,
        };
        match secured {
            Ok(io) => self.exchange(io, opened).await,
            Err((error, io)) => {
                tracing::debug!(event = "http.no_tls", %error, "a client was refused");
                tokio::select! {
                    () = linger(io) => {}
                    () = self.visitor.visit.closed.cancelled() => {}
                }
                End::NoTls
            }
        }
    }

    async fn exchange(&self, io: impl AsyncRead + AsyncWrite + Unpin, opened: Instant) -> End {
        let limits = &self.served.server.limits;
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle_timeout)
            .max_header_size(HttpLimits::HEAD_MAX);
        let answer = service_fn(|request| self.answer(request));
        let mut exchange = pin!(protocol.serve_connection(TokioIo::new(io), answer));
        let visit = &self.visitor.visit;
        tokio::select! {
            ended = exchange.as_mut() => return end(ended),
            () = visit.closed.cancelled() => return End::MadeRoom,
            () = self.head_missing(opened) => return End::NoHead,
            () = self.stop.cancelled() => {}
            () = sleep_until(opened + limits.age_max) => {}
        }
        exchange.as_mut().graceful_shutdown();
        tokio::select! {
            ended = exchange => end(ended),
            () = visit.closed.cancelled() => End::MadeRoom,
            () = self.nothing_asked() => End::InOrder,
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<LastPart<Body>>, Infallible> {
        let visit = self.visitor.visit.clone();
        visit.waits_no_longer(Wait::Head);
        let pace = self.pace(HttpLimits::BODY_MIN);
        let mut request = request.map(|body| Body::new(PacedBody::new(body, pace, visit.clone())));
        request.extensions_mut().insert(self.visitor.clone());
        let response = self.served.router.clone().oneshot(request).await?;
        Ok(response.map(|body| LastPart::new(body, visit)))
    }

    fn pace(&self, least: usize) -> Pace {
        Pace::new(self.served.server.limits.stall_timeout, least)
    }

    /// Waits until the first head is late.
    async fn head_missing(&self, opened: Instant) {
        sleep_until(opened + self.served.server.limits.head_timeout).await;
        if self.visitor.visit.has_asked() {
            pending::<()>().await;
        }
    }

    /// Waits until no request is in progress.
    async fn nothing_asked(&self) {
        loop {
            sleep(LAST_HEAD).await;
            if self.visitor.visit.is_idle() {
                return;
            }
        }
    }
}

/// Reads what is on its way still, because the system would tell the client of its loss in place of the reason that was
/// sent.
async fn linger(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut lost = [0; 1024];
    let rest = async {
        io.shutdown().await?;
        while io.read(&mut lost).await? > 0 {}
        io::Result::Ok(())
    };
    let _too_long = timeout(LAST_HEAD, rest).await;
}

fn end(ended: hyper::Result<()>) -> End {
    let Err(error) = ended else { return End::InOrder };
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => End::NotTaken,
        _ => End::InOrder,
    }
}
