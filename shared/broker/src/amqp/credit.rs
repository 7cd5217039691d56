use lapin::types::ShortString;

/// Shares a subscription's prefetch out among consumers of its channel.
///
/// A quorum queue has a prefetch for each consumer, fixed when the consumer starts; what a cancelled consumer
/// still holds no longer counts anywhere. So a larger prefetch is a further consumer with the difference, and a
/// smaller one is a new consumer with what the held messages leave. At any time
/// `allowances + held by cancelled consumers <= prefetch`.
#[derive(Default)]
pub(super) struct Credit {
    consumers: Vec<Consumer>,
    started: u32,
}

struct Consumer {
    tag: ShortString,
    allowance: u16,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Start a consumer with this allowance.
    Start(u16),
    CancelAll,
    Nothing,
}

impl Credit {
    /// More consumers than these are made one again.
    const CONSUMERS_MAX: usize = 4;

    /// What to do next.
    ///
    /// * `owed` — messages still held from cancelled consumers.
    /// * `single` — the queue serves only one consumer at a time, so there is to be one.
    pub fn step(&self, prefetch: u16, owed: usize, single: bool) -> Step {
        let allowed: u16 = self.consumers.iter().map(|consumer| consumer.allowance).sum();
        let consumers_max = if single { 1 } else { Self::CONSUMERS_MAX };
        if allowed > prefetch {
            return Step::CancelAll;
        }
        let owed = u16::try_from(owed).unwrap_or(u16::MAX);
        let room = (prefetch - allowed).saturating_sub(owed);
        // Not a consumer for every message that is settled: for all of them, or for a good part.
        let worthwhile = owed == 0 || (!single && room >= prefetch.div_ceil(2));
        if room == 0 || !worthwhile {
            Step::Nothing
        } else if self.consumers.len() < consumers_max {
            Step::Start(room)
        } else {
            Step::CancelAll
        }
    }

    /// A number for the next consumer; later ones are larger.
    pub fn next_number(&mut self) -> u32 {
        self.started += 1;
        self.started
    }

    pub fn last_number(&self) -> u32 {
        self.started
    }

    pub fn started(&mut self, tag: ShortString, allowance: u16) {
        self.consumers.push(Consumer { tag, allowance });
    }

    /// Forgets the consumers, and names them to be cancelled.
    pub fn take_all(&mut self) -> Vec<ShortString> {
        self.consumers.drain(..).map(|consumer| consumer.tag).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credit(allowances: &[u16]) -> Credit {
        let mut credit = Credit::default();
        for allowance in allowances {
            credit.started(ShortString::default(), *allowance);
        }
        credit
    }

    #[test]
    fn steps() {
        let table: [(&[u16], u16, usize, bool, Step); 14] = [
            // consumers, prefetch, owed, single, step
            (&[], 0, 0, false, Step::Nothing),
            (&[], 5, 0, false, Step::Start(5)),
            (&[5], 5, 0, false, Step::Nothing),
            (&[5], 8, 0, false, Step::Start(3)),
            (&[5], 4, 0, false, Step::CancelAll),
            (&[5], 0, 0, false, Step::CancelAll),
            // After the cancel: what is held is in the way, until a good part of it is settled.
            (&[], 4, 5, false, Step::Nothing),
            (&[], 4, 3, false, Step::Nothing),
            (&[], 4, 2, false, Step::Start(2)),
            (&[2], 4, 1, false, Step::Nothing),
            (&[2], 4, 0, false, Step::Start(2)),
            (&[1, 1, 1, 1], 5, 0, false, Step::CancelAll),
            (&[5], 8, 0, true, Step::CancelAll),
            (&[], 8, 2, true, Step::Nothing),
        ];
        for (consumers, prefetch, owed, single, step) in table {
            let now = credit(consumers).step(prefetch, owed, single);
            assert_eq!(now, step, "{consumers:?} prefetch {prefetch} owed {owed} single {single}");
        }
    }
}
