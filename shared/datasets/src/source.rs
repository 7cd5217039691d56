use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use crate::{Compression, Format, ReadError};

/// Number of bytes by which a file is recognised.
const START_BYTES: usize = 64 * 1024;

/// Logarithm of the largest memory of a zstd decoder, in bytes: 32 MiB. Files of the usual levels need up to 8 MiB.
const WINDOW_LOG_MAX: u32 = 25;

type Bytes = Box<dyn Read + Send>;

/// The bytes of a file after its decompression, with what they were recognised as.
pub struct Source {
    pub format: Format,
    pub compression: Option<Compression>,
    /// The whole content, from the first byte, without a byte-order mark.
    pub bytes: Box<dyn BufRead + Send>,
    /// The file itself, if it can be read at any place.
    pub file: Option<File>,
}

impl Source {
    /// Opens a file, or standard input if the path is `-`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        if path == Path::new("-") {
            return Self::of(Box::new(io::stdin()), None);
        }
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ReadError::Folder);
        }
        let again = file.metadata()?.is_file().then(|| file.try_clone()).transpose()?;
        Self::of(Box::new(file), again)
    }

    /// Recognises bytes that come once.
    pub fn read(bytes: impl Read + Send + 'static) -> Result<Self, ReadError> {
        Self::of(Box::new(bytes), None)
    }

    fn of(bytes: Bytes, file: Option<File>) -> Result<Self, ReadError> {
        let (mut start, mut bytes) = peek(bytes)?;
        let compression = Compression::of(&start);
        if let Some(compression) = compression {
            let unpacked: Bytes = match compression {
                Compression::Gzip => Box::new(MultiGzDecoder::new(bytes)),
                Compression::Zstd => {
                    let mut decoder = zstd::Decoder::new(bytes)?;
                    decoder.window_log_max(WINDOW_LOG_MAX)?;
                    Box::new(decoder)
                }
            };
            (start, bytes) = peek(unpacked).map_err(ReadError::Unpack)?;
        }
        let format = Format::of(&start)?;
        let mut bytes: Box<dyn BufRead + Send> = Box::new(BufReader::with_capacity(START_BYTES, bytes));
        if start.starts_with(b"\xef\xbb\xbf") {
            bytes.read_exact(&mut [0; 3])?;
        }
        Ok(Self { format, compression, bytes, file: file.filter(|_| compression.is_none()) })
    }
}

/// Returns the first bytes, and all bytes.
fn peek(mut bytes: Bytes) -> io::Result<(Vec<u8>, Bytes)> {
    let mut start = Vec::new();
    bytes.by_ref().take(START_BYTES as u64).read_to_end(&mut start)?;
    Ok((start.clone(), Box::new(Cursor::new(start).chain(bytes))))
}
