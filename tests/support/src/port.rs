use std::net::TcpListener;

use uuid::Uuid;

/// First port of the range that Linux gives to outgoing connections, by its default.
const EPHEMERAL: u16 = 32_768;

/// Finds a free port below those of outgoing connections. Otherwise a client that reconnects to a stopped server
/// could get the server's port for its own end, and the server could not listen on it again.
pub fn free_port() -> u16 {
    let random = u16::from_be_bytes(*Uuid::now_v7().as_bytes().last_chunk().expect("16 bytes end in 2"));
    (20_000 + random % 10_000..EPHEMERAL)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of thousands of ports is free")
}
