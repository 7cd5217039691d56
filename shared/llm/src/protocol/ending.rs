use super::Progress;

/// Tells from the chunks of a stream how much of its answer has arrived.
///
/// A reason to stop, and counted tokens, end the answer only if no part of it arrives after them: some servers count
/// the tokens in each chunk.
#[derive(Debug, Default)]
pub(super) struct Ending {
    has_part: bool,
    is_stopped: bool,
    is_counted: bool,
}

impl Ending {
    /// Reads a chunk, by what it contains: a part of the answer, the reason to stop, counted tokens.
    pub const fn read(&mut self, part: bool, reason: bool, counts: bool) {
        self.has_part |= part;
        self.is_stopped = reason || (self.is_stopped && !part);
        self.is_counted = (counts && (reason || !part)) || (self.is_counted && !part);
    }

    /// Returns true if tokens were counted after the last part of the answer.
    pub const fn is_counted(&self) -> bool {
        self.has_part && self.is_counted
    }

    pub const fn progress(&self) -> Progress {
        match (self.is_stopped, self.is_counted) {
            (false, _) => Progress::Partial,
            (true, false) => Progress::Stopped,
            (true, true) => Progress::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Chunk = (bool, bool, bool);

    const PART: Chunk = (true, false, false);
    const REASON: Chunk = (false, true, false);
    const COUNTS: Chunk = (false, false, true);

    #[test]
    fn what_comes_before_another_part_ends_nothing() {
        let table: &[(&[Chunk], Progress, bool)] = &[
            (&[], Progress::Partial, false),
            (&[PART], Progress::Partial, false),
            (&[PART, REASON], Progress::Stopped, false),
            (&[(true, true, true)], Progress::Whole, true),
            (&[PART, REASON, COUNTS], Progress::Whole, true),
            (&[PART, COUNTS], Progress::Partial, true),
            (&[COUNTS], Progress::Partial, false),
            (&[COUNTS, PART, REASON], Progress::Stopped, false),
            (&[(true, false, true)], Progress::Partial, false),
            (&[(true, true, true), PART], Progress::Partial, false),
        ];
        for (chunks, progress, is_counted) in table {
            let mut ending = Ending::default();
            chunks.iter().for_each(|&(part, reason, counts)| ending.read(part, reason, counts));
            assert_eq!((ending.progress(), ending.is_counted()), (*progress, *is_counted), "{chunks:?}");
        }
    }
}
