//! Cuts bytes into pieces, as a network may deliver them.

use std::iter;

/// Longest piece of [`ragged`].
const PIECE_MAX: usize = 32;

/// Returns the input in one piece, byte by byte, and in pieces of different sizes.
pub fn cuts(input: &[u8]) -> [Vec<&[u8]>; 3] {
    [vec![input], input.chunks(1).collect(), ragged(input)]
}

/// Cuts the input so that each piece's first byte gives its length. A fuzzer can move every cut by changing a byte.
fn ragged(mut rest: &[u8]) -> Vec<&[u8]> {
    iter::from_fn(|| {
        let size = 1 + usize::from(*rest.first()?) % PIECE_MAX;
        let piece;
        (piece, rest) = rest.split_at(size.min(rest.len()));
        Some(piece)
    })
    .collect()
}
