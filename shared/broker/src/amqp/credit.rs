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
    /// More consumers than these are made one again. Reached by a prefetch that only ever grows.
    const CONSUMERS_MAX: usize = 16;

    /// What to do next.
    ///
    /// * `owed` — messages still held from cancelled consumers.
    /// * `asked` — the prefetch was just set: any room is worth a consumer.
    /// * `single` — the queue serves only one consumer at a time, so there is to be one.
    pub fn step(&self, prefetch: u16, owed: usize, asked: bool, single: bool) -> Step {
        let allowed: u16 = self.consumers.iter().map(|consumer| consumer.allowance).sum();
        let consumers_max = if single { 1 } else { Self::CONSUMERS_MAX };
        if allowed > prefetch {
            return Step::CancelAll;
        }
        let owed = u16::try_from(owed).unwrap_or(u16::MAX);
        let open = prefetch - allowed;
        let room = open.saturating_sub(owed);
        // Not a consumer for every message that is settled: for half of them, then for half of the rest, and so
        // on.
        let worthwhile = owed == 0 || (!single && (asked || room >= owed));
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
        let table: [(&[u16], u16, usize, Step); 14] = [
            // consumers, prefetch, owed, step
            (&[], 0, 0, Step::Nothing),
            (&[], 5, 0, Step::Start(5)),
            (&[5], 5, 0, Step::Nothing),
            (&[5], 8, 0, Step::Start(3)),
            (&[5], 4, 0, Step::CancelAll),
            (&[5], 0, 0, Step::CancelAll),
            // After the cancel: what is held is in the way, until half of it is settled, and half of the rest.
            (&[], 9, 9, Step::Nothing),
            (&[], 9, 5, Step::Nothing),
            (&[], 9, 4, Step::Start(5)),
            (&[5], 9, 3, Step::Nothing),
            (&[5], 9, 2, Step::Start(2)),
            (&[5, 2], 9, 0, Step::Start(2)),
            (&[5, 2, 2], 9, 0, Step::Nothing),
            (&[1; 16], 17, 0, Step::CancelAll),
        ];
        for (consumers, prefetch, owed, step) in table {
            let now = credit(consumers).step(prefetch, owed, false, false);
            assert_eq!(now, step, "{consumers:?} prefetch {prefetch} owed {owed}");
        }
    }

    #[test]
    fn a_prefetch_just_set_is_used_at_once() {
        assert_eq!(credit(&[1]).step(9, 7, true, false), Step::Start(1));
    }

    #[test]
    fn a_single_consumer_is_replaced_when_nothing_is_held() {
        assert_eq!(credit(&[5]).step(8, 0, true, true), Step::CancelAll);
        assert_eq!(credit(&[]).step(8, 1, true, true), Step::Nothing);
        assert_eq!(credit(&[]).step(8, 0, false, true), Step::Start(8));
    }
}
