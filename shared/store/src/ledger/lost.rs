//! Finds the jobs of a run that were fed and are neither recorded nor deferred, without reading every position under
//! the lock of the run.

use crate::RunRow;

/// Number of ordinals that are counted at once.
const CHUNK: u64 = 10_000;

/// Ordinals from `first` to below `end`, and the positions of them that were fed: every sample below `samples`, and
/// sample number `samples`, too, of the ordinals below `rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub first: u64,
    pub end: u64,
    pub samples: u64,
    pub rest: u64,
}

impl Chunk {
    /// Returns the number of positions of the chunk that were fed.
    pub fn positions(&self) -> u64 {
        let rest = self.rest.clamp(self.first, self.end) - self.first;
        (self.end - self.first) * self.samples + rest
    }
}

/// Returns chunks that cover all positions of the run that were fed.
pub fn chunks(run: &RunRow) -> impl Iterator<Item = Chunk> {
    let items = run.items().max(1);
    let (samples, rest) = (run.cursor.fed / items, run.cursor.fed % items);
    let end = if samples > 0 { items } else { rest };
    let starts = (0..end).step_by(usize::try_from(CHUNK).expect("a constant that fits"));
    starts.map(move |first| Chunk { first, end: (first + CHUNK).min(end), samples, rest })
}

#[cfg(test)]
mod tests {
    use runmill_proto::RunId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn chunks_cover_every_position_once() {
        for (items, samples, fed) in
            [(1, 1, 0), (1, 1, 1), (30_001, 1, 30_001), (30_001, 1, 12_345), (20_000, 3, 45_000), (7, 4, 27)]
        {
            let mut run = crate::testing::run(RunId::from_uuid(Uuid::nil()), items * samples);
            run.submission.config =
                serde_json::from_value(serde_json::json!({"samples": samples})).expect("a valid config");
            run.cursor.fed = fed;

            let sum: u64 = chunks(&run).map(|chunk| chunk.positions()).sum();

            assert_eq!(sum, fed, "{items} items, {samples} samples");
        }
    }
}
