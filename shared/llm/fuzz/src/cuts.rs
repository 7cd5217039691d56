//! The same bytes in pieces, as a network may deliver them.

use std::iter;

/// The longest piece of [`ragged`].
const PIECE_MAX: usize = 32;

/// In one piece, byte by byte, and in pieces of all sizes.
pub fn cuts(input: &[u8]) -> [Vec<&[u8]>; 3] {
    [vec![input], input.chunks(1).collect(), ragged(input)]
}

/// Each piece is as long as its first byte says, so that a fuzzer can move every cut.
fn ragged(mut rest: &[u8]) -> Vec<&[u8]> {
    iter::from_fn(|| {
        let size = 1 + usize::from(*rest.first()?) % PIECE_MAX;
        let piece;
        (piece, rest) = rest.split_at(size.min(rest.len()));
        Some(piece)
    })
    .collect()
}
