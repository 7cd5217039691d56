//! Callers are served while others hold connections open that ask for nothing, or trickle.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use runmill_testkit::allow_open_files;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::support::{Api, Process, Sandbox};

const TOKEN: &str = "flood-0123456789abcdef";
/// Time that a client whose connection was closed waits before it opens the next.
const RETURN_AFTER: Duration = Duration::from_millis(500);
/// Interval at which slow clients send a byte, and at which each probe is made.
const TRICKLE: Duration = Duration::from_secs(1);
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// Time after which a probe counts as not answered.
const ANSWER_MAX: Duration = Duration::from_secs(5);

struct Flood {
    half_open: usize,
    slow: usize,
    open_files: u64,
    connections_max: usize,
    time: Duration,
}

/// Latencies of a kind of call, and the number of those without a good answer.
struct Probes {
    latencies: Vec<Duration>,
    failed: usize,
}

impl Probes {
    async fn make(&mut self, call: impl Future<Output = bool>) {
        let begun = Instant::now();
        let is_good = timeout(ANSWER_MAX, call).await.unwrap_or(false);
        self.latencies.push(begun.elapsed());
        self.failed += usize::from(!is_good);
        sleep(PROBE_EVERY).await;
    }

    fn percentile(&mut self, percent: usize) -> Duration {
        self.latencies.sort_unstable();
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

/// Use that a client of the flood makes of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Silent,
    HalfAHead,
    SlowHead,
    SlowBodyWithoutToken,
    SlowBody,
    TakesNothing,
}

impl Manner {
    const HALF_OPEN: [Self; 2] = [Self::Silent, Self::HalfAHead];
    const SLOW: [Self; 4] = [Self::SlowHead, Self::SlowBodyWithoutToken, Self::SlowBody, Self::TakesNothing];

    fn beginning(self) -> String {
        let post = "POST /runs HTTP/1.1\r\nhost: flood\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n";
        match self {
            Self::Silent => String::new(),
            Self::HalfAHead | Self::SlowHead => "GET /runs HTTP/1.1\r\nhost: flood\r\n".to_owned(),
            Self::SlowBodyWithoutToken => format!("{post}\r\n"),
            Self::SlowBody => format!("{post}authorization: Bearer {TOKEN}\r\n\r\n"),
            Self::TakesNothing => "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: flood\r\n\r\n".repeat(8),
        }
    }

    /// Holds one connection until the server closes it.
    async fn hold(self, address: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(self.beginning().as_bytes()).await?;
        let mut taken = [0; 256];
        loop {
            if !Self::HALF_OPEN.contains(&self) {
                stream.write_all(b"x").await?;
            }
            if self == Self::TakesNothing {
                sleep(TRICKLE).await;
            } else if let Ok(read) = timeout(TRICKLE, stream.read(&mut taken)).await
                && read? == 0
            {
                return Ok(());
            }
        }
    }
}

impl Flood {
    /// Floods a server, and calls it meanwhile. Prints and returns the calls by their kind.
    async fn run(&self) -> Vec<(&'static str, Probes)> {
        let sandbox = Sandbox::new().await;
        let process = sandbox
            .runmill(&["serve"])
            .env("RUNMILL_LISTEN", "127.0.0.1:0")
            .env("RUNMILL_TOKENS", &format!("admin:{TOKEN}"))
            .env("RUNMILL_CONNECTIONS_MAX", &self.connections_max.to_string())
            .with_open_files(self.open_files)
            .start();
        let said = process.line_with("runmill serves ").await;
        let address = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let ops = process.field_of("ops.listening", "address").await;
        let opened = Arc::<AtomicU64>::default();
        let _clients = self.clients(&address, &opened);
        // The probes begin when the flood stands.
        sleep(TRICKLE).await;
        let probes = probe(&address, &ops, self.time).await;
        self.report(probes, &process, opened.load(Ordering::Relaxed))
    }

    fn clients(&self, address: &str, opened: &Arc<AtomicU64>) -> JoinSet<()> {
        let half_open = Manner::HALF_OPEN.into_iter().cycle().take(self.half_open);
        let slow = Manner::SLOW.into_iter().cycle().take(self.slow);
        let mut clients = JoinSet::new();
        for manner in half_open.chain(slow) {
            let (address, opened) = (address.to_owned(), opened.clone());
            clients.spawn(async move {
                loop {
                    opened.fetch_add(1, Ordering::Relaxed);
                    let _closed = manner.hold(&address).await;
                    sleep(RETURN_AFTER).await;
                }
            });
        }
        clients
    }

    fn report(
        &self,
        mut probes: Vec<(&'static str, Probes)>,
        process: &Process,
        opened: u64,
    ) -> Vec<(&'static str, Probes)> {
        let Self { half_open, slow, open_files, time, .. } = self;
        println!(
            "{half_open} half-open and {slow} slow clients, {open_files} open files, {time:?}: {opened} connections"
        );
        for (name, kind) in &mut probes {
            let [median, p99, most] = [50, 99, 100].map(|percent| kind.percentile(percent));
            let (calls, failed) = (kind.latencies.len(), kind.failed);
            println!(
                "{name:34} {calls:5} calls, {failed} failed, p50 {median:.1?}, p99 {p99:.1?}, most {most:.1?}"
            );
        }
        println!("memory of the server: {} MB at most", process.memory_peak_mb());
        probes
    }
}

/// Makes four kinds of calls in turn for `time`.
async fn probe(address: &str, ops: &str, time: Duration) -> Vec<(&'static str, Probes)> {
    let api = Api::new(address, TOKEN);
    let kept = async || {
        let answer = api.request(reqwest::Method::GET, "/runs").send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    let mut probes = [const { Probes { latencies: Vec::new(), failed: 0 } }; 4];
    let end = Instant::now() + time;
    while Instant::now() < end {
        probes[0].make(asks_once(ops, "/healthz")).await;
        probes[1].make(asks_once(address, "/healthz")).await;
        probes[2].make(kept()).await;
        probes[3].make(asks_once(address, "/runs")).await;
    }
    let names = [
        "/healthz at its own port",
        "/healthz at the API's port",
        "signed in, on a kept connection",
        "signed in, on a new connection",
    ];
    names.into_iter().zip(probes).collect()
}

/// Makes a call on a new connection. Returns true if its answer is complete and good.
async fn asks_once(address: &str, path: &str) -> bool {
    let head = format!("GET {path} HTTP/1.1\r\nhost: flood\r\nauthorization: Bearer {TOKEN}\r\n");
    let answer = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    answer.await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

#[tokio::test]
async fn a_few_seconds() {
    let flood =
        Flood { half_open: 50, slow: 50, open_files: 256, connections_max: 16, time: Duration::from_secs(2) };
    for (name, probes) in flood.run().await {
        assert_eq!(probes.failed, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a quiet machine: `make flood`"]
async fn a_minute() {
    let may_open = allow_open_files().unwrap();
    assert!(may_open > 5_000, "this test opens 4,000 connections, and may open {may_open} files");
    let flood = Flood {
        half_open: 2_000,
        slow: 2_000,
        open_files: 1_024,
        connections_max: 512,
        time: Duration::from_mins(1),
    };
    for (name, mut probes) in flood.run().await {
        assert_eq!(probes.failed, 0, "{name}");
        let p99 = probes.percentile(99);
        assert!(p99 < Duration::from_millis(200), "{name}: {p99:?}");
    }
}
