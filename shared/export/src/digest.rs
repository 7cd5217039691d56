use std::{
    fmt::Write as _,
    io::{self, Write},
};

use ring::digest::{Context, SHA256};

/// Bytes on their way to a writer, with their number and SHA-256.
pub struct Digested<W> {
    pub to: W,
    hash: Context,
    bytes: u64,
}

impl<W> Digested<W> {
    pub fn new(to: W) -> Self {
        Self { to, hash: Context::new(&SHA256), bytes: 0 }
    }

    /// Returns the writer, the number of bytes, and their SHA-256 as hexadecimal digits.
    pub fn finish(self) -> (W, u64, String) {
        let digest = self.hash.finish();
        (self.to, self.bytes, hex(digest.as_ref()))
    }
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
