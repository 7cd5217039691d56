//! A server that sends exactly the bytes that a test gives, even if they are not correct HTTP.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

pub struct Server {
    pub address: SocketAddr,
    /// Receiver of requests, each with the number of its connection, from 1. [`HUNG_UP`] follows at a connection's
    /// end.
    received: mpsc::Receiver<(u32, String)>,
    task: JoinHandle<()>,
}

/// Number of yields to other tasks after which the client, on the same thread, has read everything that was sent.
const YIELDS: u32 = 100;

/// Received in place of a request when the client closes the connection before it has a whole answer.
pub const HUNG_UP: &str = "hung up";

/// Reaction to one request. The last act of a script is repeated.
#[derive(Clone, Debug)]
pub enum Act {
    /// Send this text and keep the connection.
    Send(String),
    /// Send these bytes and keep the connection.
    SendBytes(Vec<u8>),
    /// Send this text and close the connection.
    SendAndClose(String),
    /// Send the first text, and the second when the client has had time to read the first.
    SendEndLate(String, String),
    /// Send these texts, each when the client has had time to read those before, and keep the connection.
    SendInPieces(Vec<String>),
    /// Send these texts with a wait before each but the first, and keep the connection.
    SendSlowly(Vec<String>, Duration),
    /// Send this text, then nothing, but keep the connection.
    SendAndHang(String),
}

impl Server {
    pub async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Vec<_> = script.into_iter().collect();
        let (sender, received) = mpsc::channel(100);
        let task = tokio::spawn(accept(listener, script, sender));
        Self { address, received, task }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Waits for the next request.
    pub async fn received(&mut self) -> (u32, String) {
        self.received.recv().await.expect("the server runs")
    }

    /// Returns true if no request is left to receive.
    pub fn has_no_request(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, script: Vec<Act>, sender: mpsc::Sender<(u32, String)>) {
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let mut connections = JoinSet::new();
    for number in 1.. {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, number, Arc::clone(&script), sender.clone()));
    }
}

async fn serve(
    mut stream: TcpStream,
    number: u32,
    script: Arc<Mutex<VecDeque<Act>>>,
    sender: mpsc::Sender<(u32, String)>,
) {
    while let Some(request) = read_request(&mut stream).await {
        sender.send((number, request)).await.unwrap();
        let act = {
            let mut script = script.lock().unwrap();
            if script.len() > 1 { script.pop_front().unwrap() } else { script[0].clone() }
        };
        let bytes = match &act {
            Act::Send(text)
            | Act::SendAndClose(text)
            | Act::SendAndHang(text)
            | Act::SendEndLate(text, _) => text.as_bytes(),
            Act::SendBytes(bytes) => bytes,
            Act::SendInPieces(texts) | Act::SendSlowly(texts, _) => texts[0].as_bytes(),
        };
        // The client may close the connection while the answer is sent.
        let sent = stream.write_all(bytes).await;
        match act {
            Act::Send(_) | Act::SendBytes(_) if sent.is_ok() => {}
            Act::SendEndLate(_, end) if sent.is_ok() => {
                for _ in 0..YIELDS {
                    tokio::task::yield_now().await;
                }
                let _ = stream.write_all(end.as_bytes()).await;
            }
            Act::SendInPieces(texts) if sent.is_ok() => {
                for text in &texts[1..] {
                    for _ in 0..YIELDS {
                        tokio::task::yield_now().await;
                    }
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
            Act::SendSlowly(texts, wait) if sent.is_ok() => {
                for text in &texts[1..] {
                    tokio::time::sleep(wait).await;
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
            Act::Send(_)
            | Act::SendBytes(_)
            | Act::SendAndClose(_)
            | Act::SendEndLate(..)
            | Act::SendInPieces(..)
            | Act::SendSlowly(..) => return,
            Act::SendAndHang(_) => {
                let _ = stream.read(&mut [0; 1]).await;
                let _ = sender.send((number, HUNG_UP.to_owned())).await;
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8(bytes).unwrap());
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

/// Returns a whole answer with these headers and this body.
pub fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// Returns a whole stream of these events.
pub fn stream(events: &str) -> String {
    response("200 OK", "content-type: text/event-stream\r\n", events)
}

/// Head of a stream whose body ends with the connection.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

/// Three events that make a complete answer.
pub const EVENTS: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"4\"},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n\
    data: [DONE]\n\n";

pub const BUFFERED: &str =
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"4\"},\"finish_reason\":\"stop\"}]}";
