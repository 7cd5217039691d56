//! Checks that must hold for any bytes that a user uploads as a dataset. The fuzz target searches for bytes that break one.
//! The tests of `runmill-dispatcher` include this file, and run the checks on every input of the corpus.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use runmill_dispatcher::read_items;

const LINE_MAX_BYTES: usize = 1024;

/// The checks of a target on one input.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in the corpus.
pub const TARGETS: &[(&str, Check)] = &[("lines", lines)];

/// Checks that any cut of the body gives the same items and the same fault, that no item is longer than a line may be, and
/// that all of them are no longer than the body.
pub fn lines(input: &[u8]) {
    let whole = read(input, input.len().max(1));
    for size in [1, 7] {
        assert_eq!(read(input, size), whole, "in pieces of {size}");
    }
    let (items, _fault) = whole;
    let sizes = items.iter().map(|(_id, text)| text.len());
    assert!(sizes.clone().all(|size| size <= LINE_MAX_BYTES));
    assert!(sizes.sum::<usize>() <= input.len());
}

/// Returns the items before the end, or before the first fault.
fn read(input: &[u8], piece: usize) -> (Vec<(String, String)>, Option<String>) {
    let pieces = input.chunks(piece).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)));
    let mut lines = Box::pin(read_items(stream::iter(pieces.collect::<Vec<_>>()), LINE_MAX_BYTES));
    let reading = async {
        let mut items = Vec::new();
        while let Some(item) = lines.next().await {
            match item {
                Ok(item) => items.push((item.item_id, item.body)),
                Err(fault) => return (items, Some(fault.to_string())),
            }
        }
        (items, None)
    };
    reading.now_or_never().expect("all pieces are there")
}
