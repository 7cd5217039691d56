//! CPU of the client for one call: `cargo bench -p runmill-llm`. Beside it, over the same bytes, the shortest
//! loop over reqwest that gets the answer's text (it looks for line ends and makes a `Value` of each event), and
//! a loop that only counts the bytes, which is what HTTP alone costs.
//!
//! The server is threads of this process that answer from one prepared buffer. Only the thread of the client is
//! counted, by the kernel's own account, so the bench needs Linux.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has nothing to report")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write},
    iter,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use jiff::Timestamp;
use prometheus::Registry;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use runmill_llm::{
    CallPolicy, ChatMessage, ChatRequest, Client, Factory, FactorySettings, Role, Target, TargetKey,
};
use runmill_proto::{
    JobConfig, ProviderId,
    api::{ProviderKind, ProviderProtocol, Settings},
};
use runmill_quota::Gate;
use serde_json::Value;
use tokio::{runtime, task::JoinSet};
use uuid::Uuid;

const TOKENS: usize = 64;
const IN_FLIGHT: u32 = 16;
const CALLS_A_ROUND: u32 = 2_000;
const ROUNDS: usize = 11;

fn main() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("CPU of one call in us, {IN_FLIGHT} in flight, median of {ROUNDS} rounds\n");
    println!("{:<20} {:>8} {:>12} {:>12} {:>8}", "answer", "client", "plain loop", "bytes only", "ratio");
    for (name, answer) in [("buffered", buffered()), ("64 tokens streamed", streamed())] {
        let address = serve(answer);
        let client = Arc::new(Ours::new(address));
        let [plain, bytes] = [true, false].map(|reads| Arc::new(Plain::new(address, reads)));
        // Round by round in turn, so that a noisy machine disturbs all alike.
        let mut costs = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            costs[0].push(runtime.block_on(cost(&client)));
            costs[1].push(runtime.block_on(cost(&plain)));
            costs[2].push(runtime.block_on(cost(&bytes)));
        }
        let [client, plain, bytes] = costs.map(median);
        println!("{name:<20} {client:>8.1} {plain:>12.1} {bytes:>12.1} {:>8.2}", client / plain);
    }
}

trait Call: Send + Sync + 'static {
    fn call(&self) -> impl Future<Output = ()> + Send;
}

/// Microseconds of this thread's CPU for one call.
async fn cost(client: &Arc<impl Call>) -> f64 {
    let start = thread_cpu();
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let client = Arc::clone(client);
        workers.spawn(async move {
            for _ in 0..CALLS_A_ROUND / IN_FLIGHT {
                client.call().await;
            }
        });
    }
    workers.join_all().await;
    (thread_cpu() - start) / f64::from(CALLS_A_ROUND)
}

/// In microseconds.
fn thread_cpu() -> f64 {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: f64 = account.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e3
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

struct Ours {
    client: Arc<Client>,
    request: ChatRequest,
    policy: CallPolicy,
}

impl Ours {
    fn new(address: SocketAddr) -> Self {
        let factory =
            Factory::new(FactorySettings::new(Arc::new(|| Timestamp::UNIX_EPOCH)), &Registry::new());
        let target = Target {
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            version: 1,
            kind: ProviderKind::Custom,
            protocol: ProviderProtocol::OpenaiChat,
            base_url: format!("http://{address}/v1"),
            keys: vec![TargetKey { label: "bench".into(), value: "sk-bench".into(), weight: 1 }],
            headers: BTreeMap::new(),
            connect_timeout: Duration::from_secs(5),
        };
        let request = ChatRequest {
            model: "bench".into(),
            messages: vec![ChatMessage::text(Role::User, QUESTION)],
            call_id: "run:0:0".into(),
            ..ChatRequest::default()
        };
        let policy = CallPolicy::resolve(&Settings::default(), &JobConfig::default());
        let gate = Arc::new(Gate::new(64));
        Self { client: factory.unwrap().client(&target, &gate).unwrap(), request, policy }
    }
}

impl Call for Ours {
    async fn call(&self) {
        let invoked = self.client.invoke(&self.request, &self.policy).await;
        assert_eq!(invoked.result.unwrap().text.len(), TOKENS * TOKEN.len());
    }
}

struct Plain {
    http: reqwest::Client,
    url: String,
    body: String,
    /// Gets the answer's text, and does not only count its bytes.
    reads: bool,
}

impl Plain {
    fn new(address: SocketAddr, reads: bool) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let body = format!(
            "{{\"model\":\"bench\",\"messages\":[{{\"role\":\"user\",\"content\":\"{QUESTION}\"}}],\
             \"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}"
        );
        Self { http, url: format!("http://{address}/v1/chat/completions"), body, reads }
    }

    fn read(unread: &mut Vec<u8>, text: &mut String) {
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = unread.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data: {").map(|_| &line[6..]) else { continue };
            let event: Value = serde_json::from_slice(data).unwrap();
            text.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
    }
}

impl Call for Plain {
    async fn call(&self) {
        let request = self.http.post(&self.url).header(CONTENT_TYPE, "application/json");
        let request = request.header(AUTHORIZATION, "Bearer sk-bench").body(self.body.clone());
        let mut response = request.send().await.unwrap();
        let (mut length, mut unread, mut text) = (0, Vec::new(), String::new());
        while let Some(piece) = response.chunk().await.unwrap() {
            length += piece.len();
            if self.reads {
                unread.extend_from_slice(&piece);
                Self::read(&mut unread, &mut text);
            }
        }
        if self.reads && !unread.is_empty() {
            let answer: Value = serde_json::from_slice(&unread).unwrap();
            text.push_str(answer["choices"][0]["message"]["content"].as_str().unwrap());
        }
        assert!(length > TOKENS * TOKEN.len());
        assert_eq!(text.len(), if self.reads { TOKENS * TOKEN.len() } else { 0 });
    }
}

const QUESTION: &str = "How many of the 64 tokens of this answer are needed?";
const TOKEN: &str = " word";

fn buffered() -> Vec<u8> {
    let text = TOKEN.repeat(TOKENS);
    let body = format!(
        "{{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\",\"choices\":[{{\"index\":0,\
         \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\",\"refusal\":null}},\"logprobs\":null,\
         \"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":12,\"completion_tokens\":64,\
         \"total_tokens\":76}}}}"
    );
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}

/// Each event is a chunk of its own, as servers send them, though all of them arrive together.
fn streamed() -> Vec<u8> {
    let head = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
                \"model\":\"bench\",\"system_fingerprint\":\"fp_1\",\"choices\":";
    let token = format!(
        "{head}[{{\"index\":0,\"delta\":{{\"content\":\"{TOKEN}\"}},\"logprobs\":null,\"finish_reason\":null}}],\
         \"usage\":null}}"
    );
    let stop = format!("{head}[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}],\"usage\":null}}");
    let usage =
        format!("{head}[],\"usage\":{{\"prompt_tokens\":12,\"completion_tokens\":64,\"total_tokens\":76}}}}");
    let tokens = iter::repeat_n(token, TOKENS);
    let mut answer =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for data in tokens.chain([stop, usage, "[DONE]".to_owned()]) {
        let event = format!("data: {data}\n\n");
        write!(answer, "{:x}\r\n{event}\r\n", event.len()).unwrap();
    }
    answer.push_str("0\r\n\r\n");
    answer.into()
}

/// Answers every request with `answer`.
fn serve(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer: Arc<[u8]> = answer.into();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer_all(stream.unwrap(), &answer));
        }
    });
    address
}

/// A request here fits one read, and ends with the brace that ends its body.
fn answer_all(mut stream: TcpStream, answer: &[u8]) {
    stream.set_nodelay(true).unwrap();
    let mut request = [0; 16 * 1024];
    let mut length = 0;
    while let Ok(1..) = stream.read(&mut request[length..]).inspect(|n| length += n) {
        if request[..length].ends_with(b"}") {
            length = 0;
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }
}
