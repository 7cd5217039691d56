use std::io::{self, BufReader, Read, Seek, Write};

use tempfile::SpooledTempFile;
use zstd::stream::{read::Decoder, write::Encoder};

/// Number of bytes that stay in memory. More go to a file.
const MEMORY_MAX_BYTES: usize = 1024 * 1024;

/// Bytes that are written now and read once, later. They are compressed, and beyond 1 MiB in a temporary file that has no
/// name and goes with the process.
pub struct Spool(Encoder<'static, SpooledTempFile>);

impl Spool {
    pub fn new() -> io::Result<Self> {
        let file = SpooledTempFile::new(MEMORY_MAX_BYTES);
        Ok(Self(Encoder::new(file, 1)?))
    }

    /// Returns the bytes from the first one on.
    pub fn into_reader(self) -> io::Result<impl Read> {
        let mut file = self.0.finish()?;
        file.rewind()?;
        Decoder::with_buffer(BufReader::new(file))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_also_when_they_are_many() {
        let block: Vec<u8> = (0..=u8::MAX).cycle().map(|byte| byte.wrapping_mul(31)).take(4_099).collect();
        for count in [0, 1, 3_000] {
            let mut spool = Spool::new().unwrap();
            for _ in 0..count {
                spool.write_all(&block).unwrap();
            }
            let mut read = Vec::new();
            spool.into_reader().unwrap().read_to_end(&mut read).unwrap();
            assert!(read == block.repeat(count), "{count}");
        }
    }
}
