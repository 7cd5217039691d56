//! Lines of a dataset on their way to an upload while its file is still being read.

use std::io;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

const PIECE_BYTES: usize = 256 * 1024;
/// Number of pieces that wait for the upload, 16 MB in all. With more, the file is read as fast as they are taken.
const PIECES_MAX: usize = 64;

/// Returns both ends of the way.
pub fn ahead() -> (Ahead, LinesAhead) {
    let (sender, receiver) = channel(PIECES_MAX);
    (Ahead { pieces: sender, piece: Vec::new() }, LinesAhead(receiver))
}

/// Where a reader puts the lines. If it is dropped without [`end`](Self::end), the upload is broken off.
pub struct Ahead {
    /// `None` is the end.
    pieces: Sender<Option<Bytes>>,
    piece: Vec<u8>,
}

/// Lines that are read.
pub struct LinesAhead(Receiver<Option<Bytes>>);

impl Ahead {
    /// Adds a line. Blocks while too much waits for the upload. Lines that nobody wants are dropped.
    pub fn push(&mut self, line: &str) {
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE_BYTES {
            self.send_piece();
        }
    }

    /// Ends the lines: the file was read to its end, and has no fault.
    pub fn end(mut self) {
        self.send_piece();
        // Nobody may be there to hear it.
        drop(self.pieces.blocking_send(None));
    }

    fn send_piece(&mut self) {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        // Nobody may want it.
        drop(self.pieces.blocking_send(Some(piece)));
    }
}

impl LinesAhead {
    /// Returns true if the file was read, or has a fault.
    pub fn is_over(&self) -> bool {
        self.0.is_closed()
    }

    /// Returns the body of an upload.
    pub fn into_body(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::unfold(Some(self.0), async |pieces| {
            let mut pieces = pieces?;
            match pieces.recv().await {
                Some(Some(piece)) => Some((Ok(piece), Some(pieces))),
                Some(None) => None,
                None => Some((Err(io::Error::other("the file was not read to its end")), None)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn all_lines_arrive_also_those_of_several_pieces() {
        let (mut ahead, lines) = ahead();
        let line = "x".repeat(PIECE_BYTES / 2);
        let reader = tokio::task::spawn_blocking(move || {
            for _ in 0..2 * PIECES_MAX + 3 {
                ahead.push(&line);
            }
            ahead.end();
        });
        let pieces: Vec<_> = lines.into_body().map(|piece| piece.unwrap()).collect().await;
        reader.await.unwrap();
        let lines = pieces.concat();
        assert_eq!(lines.len(), (2 * PIECES_MAX + 3) * (PIECE_BYTES / 2 + 1));
    }

    #[tokio::test]
    async fn a_file_with_a_fault_breaks_the_upload_off() {
        let (mut ahead, lines) = ahead();
        tokio::task::spawn_blocking(move || ahead.push("{}")).await.unwrap();
        assert!(lines.is_over());
        let pieces: Vec<_> = lines.into_body().collect().await;
        assert!(matches!(&*pieces, [Err(_)]));
    }

    #[tokio::test]
    async fn a_reader_goes_on_without_an_upload() {
        let (mut ahead, lines) = ahead();
        drop(lines);
        let reader = tokio::task::spawn_blocking(move || {
            for _ in 0..PIECES_MAX + 2 {
                ahead.push(&"x".repeat(PIECE_BYTES));
            }
            ahead.end();
        });
        reader.await.unwrap();
    }
}
