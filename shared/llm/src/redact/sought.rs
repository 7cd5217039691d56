use std::ops::Range;

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

/// Length of the blocks by which a secret is found. A shorter value is not looked for: an ordinary text may have it.
pub(super) const BLOCK: usize = 8;

/// Length from which the beginning or the end of a key is removed. Keys of one vendor begin alike, such as with `sk-ant-api03-`, and an
/// answer about them is not changed.
const PART: usize = 2 * BLOCK;

/// Length from which a part of an answer may be the inside of a key. Shorter ones are in every text.
pub(super) const INSIDE_MIN: usize = 4;

/// A secret that answers may repeat.
pub(super) struct Sought {
    value: SecretString,
    /// Shortest run of the secret's bytes that is removed.
    least: usize,
}

impl Sought {
    /// Looks for a key, and for its beginning or end alone, since the token limit may cut an answer within it.
    pub fn key(value: SecretString) -> Self {
        let least = value.expose_secret().len().min(PART);
        Self { value, least }
    }

    /// Looks for the whole of a value, whose parts may be ordinary words.
    pub fn whole(value: SecretString) -> Self {
        let least = value.expose_secret().len();
        Self { value, least }
    }

    /// Returns blocks of the secret with their offsets, one of which is in each run of bytes that is removed. They are few,
    /// because SIMD instructions find no more than 64 of all secrets at once.
    pub fn blocks(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let bytes = self.bytes();
        let last = bytes.len() - BLOCK;
        // A part of a key has the second block of its beginning, or the last one of its end.
        let offsets = if self.least == bytes.len() { [0, 0] } else { [BLOCK, last] };
        let several = if offsets[0] == offsets[1] { 1 } else { 2 };
        offsets.into_iter().take(several).map(|offset| (offset, &bytes[offset..offset + BLOCK]))
    }

    /// Returns the runs of bytes in `text` that are to be removed.
    pub fn find<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.blocks().flat_map(move |(offset, block)| {
            memmem::find_iter(text, block).filter_map(move |at| self.run(text, at, offset))
        })
    }

    /// Returns the length of the longest end of `text` that may be the beginning of a run that is removed.
    pub fn begun(&self, text: &[u8]) -> usize {
        let secret = self.bytes();
        let shared = |end: usize| {
            let pairs = secret[..end].iter().rev().zip(text.iter().rev());
            pairs.take_while(|(a, b)| a == b).count()
        };
        let is_part = self.least < secret.len();
        let begun = |(shared, end): &(usize, usize)| shared == end || (is_part && *shared >= INSIDE_MIN);
        let ends = (1..secret.len()).map(|end| (shared(end), end));
        ends.filter(begun).map(|(shared, _)| shared).max().unwrap_or(0)
    }

    /// Returns the run of bytes around `at` that the text shares with the secret around `offset`, if it is long enough.
    fn run(&self, text: &[u8], at: usize, offset: usize) -> Option<Range<usize>> {
        let (before, after) = self.bytes().split_at(offset);
        let shared_before = text[..at].iter().rev().zip(before.iter().rev()).take_while(|(a, b)| a == b);
        let shared_after = text[at..].iter().zip(after).take_while(|(a, b)| a == b);
        let run = at - shared_before.count()..at + shared_after.count();
        (run.len() >= self.least).then_some(run)
    }

    fn bytes(&self) -> &[u8] {
        self.value.expose_secret().as_bytes()
    }
}
