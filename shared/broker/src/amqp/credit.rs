use lapin::types::ShortString;

/// Divides a subscription's prefetch among the consumers of its channel.
///
/// A quorum queue has a prefetch for each consumer, fixed when the consumer starts, and the unacked deliveries of a
/// cancelled consumer (the *leftovers*) count towards no prefetch. So to raise the prefetch, a further consumer is
/// started with the difference. To lower it, all consumers are cancelled and a new one is started with the new
/// prefetch less the leftovers. At any time `allowances + leftovers <= prefetch`.
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
    /// Start another consumer with this prefetch.
    Start(u16),
    CancelAll,
    Nothing,
}

impl Credit {
    /// Number of consumers at which all are replaced by one. It is reached by a prefetch that only grows.
    const CONSUMERS_MAX: usize = 16;

    /// Returns the next step towards `prefetch`.
    ///
    /// * `leftovers` — number of unacked deliveries of cancelled consumers.
    /// * `just_set` — the prefetch was set a moment ago, so any room is worth a consumer.
    /// * `single` — the queue serves only one consumer at a time, so only one may be started.
    pub fn step(&self, prefetch: u16, leftovers: usize, just_set: bool, single: bool) -> Step {
        let allowed: u16 = self.consumers.iter().map(|consumer| consumer.allowance).sum();
        let consumers_max = if single { 1 } else { Self::CONSUMERS_MAX };
        if allowed > prefetch {
            return Step::CancelAll;
        }
        let leftovers = u16::try_from(leftovers).unwrap_or(u16::MAX);
        let open = prefetch - allowed;
        let room = open.saturating_sub(leftovers);
        // Starting a consumer for each settled leftover would be too many. One is started when half of the leftovers
        // are settled, another after half of the rest, and so on.
        let worthwhile = leftovers == 0 || (!single && (just_set || room >= leftovers));
        if room == 0 || !worthwhile {
            Step::Nothing
        } else if self.consumers.len() < consumers_max {
            Step::Start(room)
        } else {
            Step::CancelAll
        }
    }

    /// Returns the number for the next consumer, which is larger than all earlier ones.
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

    /// Removes all consumers, and returns their tags so that they can be cancelled.
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
            // consumers, prefetch, leftovers, step
            (&[], 0, 0, Step::Nothing),
            (&[], 5, 0, Step::Start(5)),
            (&[5], 5, 0, Step::Nothing),
            (&[5], 8, 0, Step::Start(3)),
            (&[5], 4, 0, Step::CancelAll),
            (&[5], 0, 0, Step::CancelAll),
            // After a cancel, leftovers take up room until half of them are settled, then half of the rest.
            (&[], 9, 9, Step::Nothing),
            (&[], 9, 5, Step::Nothing),
            (&[], 9, 4, Step::Start(5)),
            (&[5], 9, 3, Step::Nothing),
            (&[5], 9, 2, Step::Start(2)),
            (&[5, 2], 9, 0, Step::Start(2)),
            (&[5, 2, 2], 9, 0, Step::Nothing),
            (&[1; 16], 17, 0, Step::CancelAll),
        ];
        for (consumers, prefetch, leftovers, step) in table {
            let now = credit(consumers).step(prefetch, leftovers, false, false);
            assert_eq!(now, step, "{consumers:?} prefetch {prefetch} leftovers {leftovers}");
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
