//! Interactive attempts beside those of runs.

use super::*;

/// A step of a history without rates.
#[derive(Clone, Debug)]
enum Turn {
    Ask(usize, Class),
    /// An attempt in flight ends.
    End(usize),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (0..MODELS.len(), select(Class::ALL.to_vec())).prop_map(|(model, class)| Turn::Ask(model, class)),
        2 => (0..64_usize).prop_map(Turn::End),
    ]
}

/// Attempts of a lane of which only the slots are limited, those of the account and those of one model.
struct Slots {
    gate: Gatekeeper<()>,
    concurrency: u32,
    in_flight: Vec<(Arc<str>, Class)>,
    /// Classes of the attempts, in the order of their starts.
    started: Vec<Class>,
}

impl Slots {
    fn new(concurrency: u32) -> Self {
        let mut gate = Gatekeeper::new();
        let account = Allowance { concurrency, ..Allowance::UNLIMITED };
        let narrow = Allowance { concurrency: NARROW, ..Allowance::UNLIMITED };
        gate.set_allowances(&account, &[(MODELS[0].to_owned(), narrow)].into(), Instant::now());
        Self { gate, concurrency, in_flight: Vec::new(), started: Vec::new() }
    }

    fn apply(&mut self, turn: &Turn) {
        match turn {
            Turn::Ask(model, class) => self.ask(MODELS[*model], *class),
            Turn::End(_) if self.in_flight.is_empty() => {}
            Turn::End(index) => {
                let (model, class) = self.in_flight.remove(index % self.in_flight.len());
                self.gate.end(&model, class, 1, 1, Instant::now());
            }
        }
        for ((), model, need) in self.gate.dispatch(Instant::now()).started {
            self.begin(model, need.class);
        }
    }

    fn ask(&mut self, model: &str, class: Class) {
        let need = Need { tokens: 1, open_for: Duration::ZERO, class };
        match self.gate.start(model, &need, Instant::now()) {
            Some(model) => self.begin(model, class),
            None => drop(self.gate.enqueue(model, need, ())),
        }
    }

    fn begin(&mut self, model: Arc<str>, class: Class) {
        self.in_flight.push((model, class));
        self.started.push(class);
    }

    fn held(&self, class: Class) -> u32 {
        u32::try_from(self.in_flight.iter().filter(|(_, of)| *of == class).count()).unwrap()
    }

    fn is_full(&self, model: &str) -> bool {
        let narrow = self.in_flight.iter().filter(|(name, _)| **name == *model).count();
        self.in_flight.len() >= self.concurrency as usize || (model == MODELS[0] && narrow >= NARROW as usize)
    }
}

proptest! {
    #[test]
    fn a_slot_is_free_only_if_no_attempt_can_use_it(
        concurrency in 1..9_u32,
        turns in vec(turn(), 0..200),
    ) {
        let mut slots = Slots::new(concurrency);
        for turn in &turns {
            slots.apply(turn);
            for model in MODELS {
                let waiting = slots.gate.peek(Some(model)).waiting;
                prop_assert!(waiting == 0 || slots.is_full(model), "{waiting} of {model}");
            }
        }
    }

    /// While attempts of both classes wait for all slots, each class keeps its own.
    #[test]
    fn the_share_is_kept_against_a_flood_of_either_class(
        concurrency in 2..40_u32,
        first in select(Class::ALL.to_vec()),
        ends in vec(0..64_usize, 0..200),
    ) {
        let mut slots = Slots::new(concurrency);
        let share = (concurrency / 4).max(1);
        for class in [first, first.other()] {
            (0..500).for_each(|_| slots.apply(&Turn::Ask(1, class)));
        }
        for end in ends {
            let before = slots.held(Class::Interactive);
            slots.apply(&Turn::End(end));
            let after = slots.held(Class::Interactive);
            prop_assert_eq!(slots.in_flight.len(), concurrency as usize);
            // It comes nearer to the share with each attempt that ends, and then stays.
            let (least, most) = (before.min(share), before.max(share));
            prop_assert!((least..=most).contains(&after), "{before} before, {after} after, of {share}");
        }
    }
}

#[test]
fn where_rates_limit_the_lane_both_classes_have_their_share_of_the_starts() {
    let mut history = History::new();
    history.resize(CONCURRENCY, 1);
    for class in Class::ALL {
        (0..100).for_each(|_| history.ask("wide", 1, class));
    }
    while history.started.len() < 80 {
        history.now = history.dispatch().unwrap_or(history.now);
        while !history.in_flight.is_empty() {
            history.apply(&Step::End);
        }
    }

    let started = history.started.iter().filter(|start| start.2.class == Class::Interactive).count();
    assert!((19..=22).contains(&started), "{started} of 80");
}

#[test]
fn in_a_single_slot_neither_class_waits_for_ever() {
    let mut slots = Slots::new(1);
    for class in Class::ALL {
        (0..50).for_each(|_| slots.apply(&Turn::Ask(1, class)));
    }
    (0..40).for_each(|_| slots.apply(&Turn::End(0)));

    let started = slots.started.iter().filter(|class| **class == Class::Interactive).count();
    assert!((9..=11).contains(&started), "{:?}", slots.started);
}

#[test]
fn alone_a_class_has_every_slot() {
    for class in Class::ALL {
        let mut slots = Slots::new(8);
        (0..20).for_each(|_| slots.apply(&Turn::Ask(1, class)));
        assert_eq!(slots.held(class), 8);
    }
}
