//! Measures the client's CPU for one call, and for one token of a stream: `cargo bench -p runmill-llm`. For
//! comparison it measures, over the same bytes, a [plain loop](plain) without a client library, and a loop that only
//! counts the bytes, which is the cost of HTTP alone.
//!
//! The server is threads of this process that answer from a prepared buffer, or with `--gateway URL` the gateway
//! there. Only the client's thread is measured, by the kernel's accounting, so the bench needs Linux. With `--json`
//! each line of the table is an object.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has nothing to report")]

mod answers;
mod cost;
mod ours;
mod plain;
mod server;

use std::{env, sync::Arc};

use runmill_proto::api::ProviderProtocol;
use serde_json::json;
use tokio::runtime;

use self::{cost::costs, ours::Ours, plain::Plain};

/// Number of tokens of each answer.
const TOKENS: usize = 64;
const QUESTION: &str = "How many of the 64 tokens of this answer are needed?";

const PROTOCOLS: [ProviderProtocol; 4] = [
    ProviderProtocol::OpenaiChat,
    ProviderProtocol::OpenaiResponses,
    ProviderProtocol::AnthropicMessages,
    ProviderProtocol::Gemini,
];

/// One kind of call.
#[derive(Clone, Copy)]
struct Subject {
    protocol: ProviderProtocol,
    streams: bool,
}

fn main() {
    let args: Vec<_> = env::args().collect();
    let gateway = args.iter().position(|arg| arg == "--gateway").map(|place| args[place + 1].as_str());
    let json = args.iter().any(|arg| arg == "--json");
    if !json {
        print_header();
    }
    for protocol in PROTOCOLS {
        for streams in [false, true] {
            let subject = Subject { protocol, streams };
            let print = if json { print_json } else { print_row };
            print(subject, measure(subject, gateway));
        }
    }
}

/// Returns the microseconds for one call of the client, of the plain loop, and of the loop that counts bytes.
fn measure(subject: Subject, gateway: Option<&str>) -> [f64; 3] {
    let prepared = || format!("http://{}", server::start(answers::prepared(subject)));
    let server = gateway.map_or_else(prepared, str::to_owned);
    let client = Arc::new(Ours::new(subject, &server));
    let [plain, bytes] = [true, false].map(|reads| Arc::new(Plain::new(subject, &server, reads)));
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(costs(&client, &plain, &bytes))
}

fn print_header() {
    println!("CPU in us, {} in flight, median of {} rounds\n", cost::IN_FLIGHT, cost::ROUNDS);
    let names = ["client", "plain loop", "bytes only", "ratio", "client/token", "plain/token"];
    println!("{:<36}{}", "one call", names.map(|name| format!("{name:>14}")).concat());
}

fn print_row(subject: Subject, [client, plain, bytes]: [f64; 3]) {
    let name = format!("{}, {}", subject.name(), subject.kind());
    print!("{name:<36}{client:>14.1}{plain:>14.1}{bytes:>14.1}{:>14.2}", client / plain);
    if subject.streams {
        print!("{:>14.2}{:>14.2}", client / cost::float(TOKENS), plain / cost::float(TOKENS));
    }
    println!();
}

fn print_json(subject: Subject, [client, plain, bytes]: [f64; 3]) {
    let row = json!({
        "protocol": subject.name(), "streamed": subject.streams, "tokens": TOKENS,
        "client_us": client, "plain_us": plain, "bytes_us": bytes,
    });
    println!("{row}");
}

impl Subject {
    fn name(self) -> &'static str {
        match self.protocol {
            ProviderProtocol::OpenaiChat => "openai_chat",
            ProviderProtocol::OpenaiResponses => "openai_responses",
            ProviderProtocol::AnthropicMessages => "anthropic_messages",
            ProviderProtocol::Gemini => "gemini",
        }
    }

    fn kind(self) -> String {
        if self.streams { format!("{TOKENS} tokens streamed") } else { "buffered".to_owned() }
    }

    /// Returns the model's name at the gateway. A model with `nostream` refuses to stream, which the client
    /// remembers.
    fn model(self) -> &'static str {
        if self.streams { "lorem+tokens=64" } else { "lorem+tokens=64+nostream" }
    }

    /// Returns the protocol's base URL at a server.
    fn base_url(self, server: &str) -> String {
        let version = if self.protocol == ProviderProtocol::Gemini { "v1beta" } else { "v1" };
        format!("{server}/{version}")
    }
}
