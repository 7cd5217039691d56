//! A minimal HTTP client, which gives tests the bytes of a response.

use std::{fs, net::SocketAddr, path::Path};

use jiff::Timestamp;
use runmill_gateway::{AnswerKey, Gateway, GatewaySettings, Stats};
use runmill_runtime::Clock;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Reply {
    pub status: u16,
    head: String,
    /// The body, without the framing of chunks.
    pub body: String,
    /// True if the body was complete by its framing.
    pub complete: bool,
}

pub async fn gateway() -> Gateway {
    Gateway::start(GatewaySettings::default()).await.unwrap()
}

/// Starts a gateway with a fixed clock, so that its answers are the same every time.
pub async fn gateway_at_seven() -> Gateway {
    let clock = Clock::fixed(Timestamp::from_second(7).unwrap());
    Gateway::start(GatewaySettings { clock, ..GatewaySettings::default() }).await.unwrap()
}

/// Header with the id of a call, which determines the ids in its answer.
pub const FIRST: &str = "x-client-request-id: first:0\r\n";

/// Asserts that the body of a response equals `file`. Files have no carriage returns.
pub async fn assert_wire(path: &str, body: &Value, file: &str) {
    let reply = post(&gateway_at_seven().await, path, FIRST, body).await;

    let file_path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(file);
    let want = fs::read_to_string(&file_path).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(reply.body.replace('\r', "").trim_end(), want.trim_end(), "{file}");
    assert_eq!(reply.status, 200);
}

pub async fn gateway_with_key(items: &str) -> Gateway {
    let answer_key = Some(AnswerKey::from_ndjson(items.as_bytes()).unwrap());
    Gateway::start(GatewaySettings { answer_key, ..GatewaySettings::default() }).await.unwrap()
}

pub fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

pub fn ask_stream(model: &str, text: &str) -> Value {
    let mut request = ask(model, text);
    request["stream"] = true.into();
    request["stream_options"] = json!({"include_usage": true});
    request
}

pub async fn chat(gateway: &Gateway, headers: &str, body: &Value) -> Reply {
    post(gateway, "/v1/chat/completions", headers, body).await
}

pub async fn post(gateway: &Gateway, path: &str, headers: &str, body: &Value) -> Reply {
    receive(send(gateway.address(), "POST", path, headers, &body.to_string()).await).await
}

pub async fn get(gateway: &Gateway, path: &str) -> Reply {
    receive(send(gateway.address(), "GET", path, "", "").await).await
}

pub async fn delete(gateway: &Gateway, path: &str) -> Reply {
    receive(send(gateway.address(), "DELETE", path, "", "").await).await
}

/// Sends a request and returns the connection. Each line of `headers` must end with `\r\n`.
pub async fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

pub async fn receive(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, raw) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let (body, complete) = if head.contains("transfer-encoding: chunked") {
        unchunk(raw)
    } else {
        (raw.to_owned(), head.contains(&format!("content-length: {}", raw.len())))
    };
    Reply { status, head: head.to_owned(), body, complete }
}

fn unchunk(mut raw: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, rest)) = raw.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        body.push_str(&rest[..size]);
        raw = &rest[size + 2..];
    }
    (body, false)
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Returns the data of the stream's events.
    pub fn events(&self) -> Vec<&str> {
        self.body.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect()
    }

    /// Returns the names and the data of the stream's events.
    pub fn named_events(&self) -> Vec<(&str, &str)> {
        let events = self.body.split_terminator("\n\n");
        events
            .map(|event| {
                event.strip_prefix("event: ").and_then(|event| event.split_once("\ndata: ")).unwrap()
            })
            .collect()
    }

    /// Joins the answer's text from the events that are JSON.
    pub fn streamed_text(&self) -> String {
        let chunks = self.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
        chunks
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn buffered_text(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }
}

/// Waits until `seen` returns true for the gateway's counts. It yields to the runtime instead of sleeping. A test
/// that waits for ever is ended by its runner.
pub async fn until(gateway: &Gateway, seen: impl Fn(&Stats) -> bool) -> Stats {
    loop {
        let stats = gateway.stats();
        if seen(&stats) {
            return stats;
        }
        tokio::task::yield_now().await;
    }
}
