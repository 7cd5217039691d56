//! Measures the number of streams per second that the gateway serves over loopback, to clients that only read. They
//! share the machine with the gateway, which alone would serve more.
//!
//!     cargo bench -p runmill-gateway

use std::{net::SocketAddr, time::Duration};

use runmill_gateway::{Gateway, GatewaySettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout_at},
};

const CONNECTIONS: usize = 64;
const SECONDS: u32 = 5;
/// End of a chunked body.
const END: &[u8] = b"\r\n0\r\n\r\n";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    println!(
        "{CONNECTIONS} connections, {SECONDS} s each, {} threads",
        std::thread::available_parallelism()?
    );
    for tokens in [16, 64, 256] {
        measure("chat", tokens, request("/v1/chat/completions", &chat(tokens))).await?;
    }
    for (protocol, path, body) in others() {
        measure(protocol, 64, request(path, &body)).await?;
    }
    Ok(())
}

async fn measure(protocol: &str, tokens: u32, request: String) -> anyhow::Result<()> {
    let gateway = Gateway::start(GatewaySettings::default()).await?;
    let calls = load(gateway.address(), &request).await?;
    println!("{protocol:>10}, {tokens:>4} tokens a stream: {:>7} calls/s", calls / u64::from(SECONDS));
    gateway.stop().await?;
    Ok(())
}

/// Calls the gateway for [`SECONDS`], and returns the number of answers.
async fn load(address: SocketAddr, request: &str) -> anyhow::Result<u64> {
    let until = Instant::now() + Duration::from_secs(SECONDS.into());
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(client(address, request.to_owned(), until));
    }
    let mut calls = 0;
    while let Some(client) = clients.join_next().await {
        calls += client??;
    }
    Ok(calls)
}

const QUESTION: &str = "How many eggs does the duck lay?";

fn chat(tokens: u32) -> String {
    format!(
        r#"{{"model":"lorem+tokens={tokens}","stream":true,"stream_options":{{"include_usage":true}},"messages":[{{"role":"user","content":"{QUESTION}"}}]}}"#
    )
}

/// Returns the names, paths and bodies of the other protocols, for the same question and 64 tokens.
fn others() -> [(&'static str, &'static str, String); 3] {
    let model = "lorem+tokens=64";
    let responses = format!(r#"{{"model":"{model}","stream":true,"input":"{QUESTION}"}}"#);
    let messages = format!(
        r#"{{"model":"{model}","max_tokens":1000,"stream":true,"messages":[{{"role":"user","content":"{QUESTION}"}}]}}"#
    );
    let gemini = format!(r#"{{"contents":[{{"parts":[{{"text":"{QUESTION}"}}]}}]}}"#);
    [
        ("responses", "/v1/responses", responses),
        ("messages", "/v1/messages", messages),
        ("gemini", "/v1beta/models/lorem+tokens=64:streamGenerateContent?alt=sse", gemini),
    ]
}

fn request(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer sk-bench\r\n\
         x-client-request-id: bench:1:0:0\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

async fn client(address: SocketAddr, request: String, until: Instant) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    let (mut calls, mut answer) = (0, Vec::with_capacity(1 << 20));
    while timeout_at(until, call(&mut stream, &request, &mut answer)).await.is_ok_and(|call| call.is_ok()) {
        calls += 1;
    }
    anyhow::ensure!(Instant::now() >= until, "a call failed: {}", String::from_utf8_lossy(&answer));
    Ok(calls)
}

async fn call(stream: &mut TcpStream, request: &str, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    stream.write_all(request.as_bytes()).await?;
    while !answer.ends_with(END) {
        anyhow::ensure!(stream.read_buf(answer).await? > 0, "the gateway hung up");
    }
    anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200 OK"), "not a 200");
    Ok(())
}
