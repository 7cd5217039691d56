//! A listener under clients that hold connections, trickle, or show the wrong certificates.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Bytes,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use futures::{StreamExt, future::join_all, stream};
use prometheus::Registry;
use runmill_runtime::http::{HttpLimits, HttpMetrics, HttpServer, Visitor};
use runmill_testkit::{Authority, Valid};
use runmill_tls::{ClientFiles, ClientTls, Identity, PeerCheck, ServerFiles, ServerTls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Notify,
    time,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_util::sync::CancellationToken;

/// Longest time that a test waits for anything.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Limit of time that a test wants to see exceeded.
const SHORT: Duration = Duration::from_millis(200);
const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: test\r\n";

struct Running {
    address: std::net::SocketAddr,
    metrics: HttpMetrics,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// Makes limits that no test reaches by itself.
fn limits(connections: usize) -> HttpLimits {
    HttpLimits::new(connections, WAIT_MAX * 2)
}

async fn sign_in(Extension(visitor): Extension<Visitor>) -> StatusCode {
    if visitor.sign_in() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn read(body: Result<Bytes, axum::extract::rejection::BytesRejection>) -> String {
    body.map_or_else(|error| error.body_text(), |body| format!("{} bytes", body.len()))
}

fn endless() -> impl IntoResponse {
    let chunks = stream::repeat(Bytes::from(vec![b'x'; 64 * 1024]));
    axum::body::Body::from_stream(chunks.map(Ok::<_, Infallible>))
}

/// Requests for `/release` say that they have come, and wait.
#[derive(Default)]
struct Gate {
    come: Notify,
    release: Notify,
}

/// Serves a few routes. `/release` waits at the gate.
async fn start(limits: HttpLimits, tls: Option<Arc<ServerTls>>, gate: Arc<Gate>) -> Running {
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/sign-in", get(sign_in))
        .route("/read", post(read))
        .route("/endless", get(async || endless()))
        .route(
            "/release",
            get(async move |Extension(visitor): Extension<Visitor>| {
                visitor.sign_in();
                gate.come.notify_one();
                gate.release.notified().await;
                "released"
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = HttpMetrics::register(&Registry::new(), "test").unwrap();
    let stop = CancellationToken::new();
    let server = HttpServer { limits, metrics: metrics.clone(), tls };
    let server = tokio::spawn(server.serve(listener, router, stop.clone()));
    Running { address, metrics, stop, server }
}

async fn plain(limits: HttpLimits) -> Running {
    start(limits, None, Arc::default()).await
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `text` on a new connection. Returns all that is answered until the connection ends.
    async fn answer(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    async fn get(&self, path: &str) -> String {
        self.answer(&format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await
    }

    async fn open(&self, count: i64) {
        within(async {
            while self.metrics.open.get() != count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    fn cut(&self, reason: &str) -> u64 {
        self.metrics.cut.with_label_values(&[reason]).get()
    }
}

async fn within<T>(wait: impl Future<Output = T>) -> T {
    time::timeout(WAIT_MAX, wait).await.expect("it takes too long")
}

/// Returns what comes until the connection ends, in order or not.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _reset = within(stream.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn half_open_connections_keep_nobody_out() {
    let server = plain(limits(8)).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = server.connect().await;
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        idle.push(stream);
    }

    for path in ["/hello", "/sign-in"] {
        let answer = server.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    assert!(server.metrics.open.get() <= 136, "{}", server.metrics.open.get());
    assert!(server.cut("room") >= 160, "{}", server.cut("room"));
}

/// All of 127.0.0.0/8 is this machine on Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_from_one_address_closes_nothing_of_another() {
    let server = plain(limits(8)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut slow = socket.connect(server.address).await.unwrap();
    slow.write_all(HELLO.as_bytes()).await.unwrap();
    server.open(1).await;

    let mut flood = Vec::new();
    for _ in 0..300 {
        flood.push(server.connect().await);
    }
    let full = i64::try_from(limits(8).connections + limits(8).strangers).unwrap();
    server.open(full).await;
    assert!(server.get("/hello").await.starts_with("HTTP/1.1 200"));

    slow.write_all(b"connection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut slow).await.ends_with("hello"));
}

#[tokio::test]
async fn callers_beyond_the_limit_are_refused_while_all_others_are_served() {
    let gate = Arc::<Gate>::default();
    let server = start(limits(2), None, gate.clone()).await;
    let server = &server;
    let answers = join_all([0, 1].map(|_| server.get("/release")));
    let mut answers = std::pin::pin!(answers);
    let refused = async {
        server.open(2).await;
        while !server.get("/sign-in").await.starts_with("HTTP/1.1 503") {}
        let stranger = server.get("/hello").await;
        assert!(stranger.starts_with("HTTP/1.1 200"), "room is kept for probes: {stranger}");
    };
    tokio::select! {
        () = within(refused) => {}
        ended = answers.as_mut() => panic!("{ended:?}"),
    }

    gate.release.notify_waiters();

    for answer in within(answers).await {
        assert!(answer.ends_with("released"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let server = plain(HttpLimits { head_timeout: SHORT, ..limits(8) }).await;
    let mut stream = server.connect().await;
    let trickle = async {
        while stream.write_all(b"x").await.is_ok() {
            time::sleep(SHORT / 20).await;
        }
    };

    within(trickle).await;

    server.open(0).await;
    assert_eq!(server.cut("head"), 1);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = plain(limits(8)).await;

    let long = format!("{HELLO}x: {}\r\nconnection: close\r\n\r\n", "x".repeat(HttpLimits::HEAD_MAX));
    let answer = server.answer(&long).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let mut stream = server.connect().await;
    // The server answers before it has read all of it, and closes the connection.
    let _reset = stream.write_all(format!("{HELLO}x: {}\r\n\r\n", "x".repeat(300 * 1024)).as_bytes()).await;
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");

    let fits = format!("{HELLO}x: {}\r\nconnection: close\r\n\r\n", "x".repeat(HttpLimits::HEAD_MAX / 2));
    assert!(server.answer(&fits).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let server = plain(HttpLimits { stall_timeout: SHORT, ..limits(8) }).await;
    let (mut reading, mut writing) = server.connect().await.into_split();
    let head = "POST /read HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n";
    writing.write_all(head.as_bytes()).await.unwrap();
    let trickle = async {
        loop {
            if writing.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
            time::sleep(SHORT / 20).await;
        }
    };
    let mut answer = vec![0; 1024];
    let size = tokio::select! {
        size = within(reading.read(&mut answer)) => size.unwrap(),
        () = trickle => unreachable!("it is endless"),
    };

    let answer = String::from_utf8_lossy(&answer[..size]).into_owned();
    assert!(answer.contains("came too slowly"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_off() {
    let server = plain(HttpLimits { stall_timeout: SHORT, ..limits(8) }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();

    server.open(1).await;
    server.open(0).await;

    assert_eq!(server.cut("answer"), 1);
}

#[tokio::test]
async fn an_idle_connection_and_an_old_one_are_closed() {
    let request = format!("{HELLO}\r\n");
    for limits in
        [HttpLimits { idle_timeout: SHORT, ..limits(8) }, HttpLimits { age_max: SHORT, ..limits(8) }]
    {
        let server = plain(limits).await;
        let answer = server.answer(&request).await;
        assert!(answer.ends_with("hello"), "{answer}");
        assert_eq!(server.cut("head"), 0);
    }
}

#[tokio::test]
async fn serving_ends_at_the_stop_after_the_requests_in_progress() {
    let gate = Arc::<Gate>::default();
    let server = start(limits(8), None, gate.clone()).await;
    let mut half_open = server.connect().await;
    half_open.write_all(HELLO.as_bytes()).await.unwrap();
    let mut stream = server.connect().await;
    stream.write_all(b"GET /release HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    within(gate.come.notified()).await;

    server.stop.cancel();
    server.open(1).await;
    gate.release.notify_one();

    assert!(rest(&mut stream).await.ends_with("released"));
    within(server.server).await.unwrap().unwrap();
}

fn identity(issued: &runmill_testkit::Issued) -> Identity {
    Identity { certificate: issued.certificate.clone(), key: issued.key.clone() }
}

/// Asks for `/hello` over TLS. Returns the answer, or the text of the error.
async fn get_over_tls(server: &Running, tls: ClientFiles) -> Result<String, String> {
    let connector = TlsConnector::from(ClientTls::load(tls).unwrap().current());
    let name = ServerName::try_from("localhost").unwrap();
    let answer = async {
        let mut stream = connector.connect(name, server.connect().await).await?;
        stream.write_all(format!("{HELLO}connection: close\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    within(answer).await.map_err(|error: io::Error| error.to_string())
}

#[tokio::test]
async fn tls_with_certificates_of_both_sides() {
    let (ours, others) = (Authority::new(), Authority::new());
    let own = ours.issue("localhost", Valid::Today);
    let files = ServerFiles { identity: identity(&own), client_authorities: Some(ours.file()) };
    let tls = Arc::new(ServerTls::load(files).unwrap());
    let server = start(limits(8), Some(tls), Arc::default()).await;
    let client = |authority: &Authority, shown: Option<&runmill_testkit::Issued>| ClientFiles {
        check: PeerCheck::AuthorityAndName,
        authorities: Some(authority.file()),
        identity: shown.map(identity),
    };
    let (mine, expired) = (ours.issue("me", Valid::Today), ours.issue("me", Valid::Formerly));
    let foreign = others.issue("me", Valid::Today);

    let answer = get_over_tls(&server, client(&ours, Some(&mine))).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");

    for (tls, want) in [
        (client(&others, Some(&mine)), "UnknownIssuer"),
        (client(&ours, None), "CertificateRequired"),
        (client(&ours, Some(&expired)), "CertificateExpired"),
        (client(&ours, Some(&foreign)), "UnknownCA"),
    ] {
        let error = get_over_tls(&server, tls).await.unwrap_err();
        assert!(error.contains(want), "{error}");
    }
    server.open(0).await;
    assert_eq!(server.cut("tls"), 4);
}
