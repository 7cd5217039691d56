use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Number of bytes that are sent to the client at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes of a file on their way from a thread to a client. It waits while the client is slow.
pub struct Chunks {
    to: mpsc::Sender<io::Result<Bytes>>,
    bytes: Vec<u8>,
}

impl Chunks {
    pub const fn new(to: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { to, bytes: Vec::new() }
    }

    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.bytes);
        self.to.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            self.bytes.reserve(CHUNK_BYTES);
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        if self.bytes.len() == CHUNK_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { self.send() }
    }
}
