mod classes;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// A step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Ask {
        model: usize,
        tokens: u64,
        class: Class,
    },
    /// The oldest attempt in flight ends.
    End,
    /// Waiting attempts give up.
    Leave(usize),
    /// Milliseconds pass.
    Pass(u64),
    Resize {
        concurrency: u32,
        slots: u32,
    },
}

const MODELS: [&str; 3] = ["narrow", "wide", "other"];
const SLOTS: u32 = 8;
const CONCURRENCY: u32 = 6;
const NARROW: u32 = 2;
const CALLS_PER_SECOND: f64 = 10.0;
const TOKENS_PER_SECOND: f64 = 1_000.0;
const TOKENS_BURST: f64 = 2_000.0;
const TOKENS_MAX: u64 = 3_000;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..MODELS.len(), 1..=TOKENS_MAX, select(Class::ALL.to_vec()))
            .prop_map(|(model, tokens, class)| Step::Ask { model, tokens, class }),
        4 => Just(Step::End),
        1 => (0..8_usize).prop_map(Step::Leave),
        4 => (0..400_u64).prop_map(Step::Pass),
        1 => (0..=CONCURRENCY, 0..=SLOTS).prop_map(|(concurrency, slots)| Step::Resize { concurrency, slots }),
    ]
}

/// A gatekeeper and what it let start.
struct History {
    gate: Gatekeeper<usize>,
    now: Instant,
    start: Instant,
    concurrency: u32,
    places: Vec<(Place, usize)>,
    in_flight: Vec<(Arc<str>, Need)>,
    /// Time in seconds, model and need of each start, and the number of its question.
    started: Vec<(f64, Arc<str>, Need, usize)>,
    asked: usize,
}

impl History {
    fn new() -> Self {
        let now = Instant::now();
        let mut history = Self {
            gate: Gatekeeper::new(),
            now,
            start: now,
            concurrency: CONCURRENCY,
            places: Vec::new(),
            in_flight: Vec::new(),
            started: Vec::new(),
            asked: 0,
        };
        history.resize(CONCURRENCY, SLOTS);
        history
    }

    /// Sets the share to so many of the slots into which the rates are divided.
    fn resize(&mut self, concurrency: u32, slots: u32) {
        let share = f64::from(slots) / f64::from(SLOTS);
        let account = Allowance {
            concurrency,
            calls_per_second: Some(crate::lease::Pace {
                per_second: CALLS_PER_SECOND * share,
                burst: f64::from(slots),
            }),
            tokens_per_minute: Some(crate::lease::Pace {
                per_second: TOKENS_PER_SECOND * share,
                burst: TOKENS_BURST * share,
            }),
            ..Allowance::UNLIMITED
        };
        let narrow = Allowance { concurrency: NARROW, ..Allowance::UNLIMITED };
        self.concurrency = concurrency;
        self.gate.set_allowances(&account, &[(MODELS[0].to_owned(), narrow)].into(), self.now);
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Ask { model, tokens, class } => self.ask(MODELS[*model], *tokens, *class),
            Step::End if self.in_flight.is_empty() => {}
            Step::End => {
                let (model, Need { class, tokens, .. }) = self.in_flight.remove(0);
                self.gate.end(&model, class, tokens, tokens, self.now);
            }
            Step::Leave(index) if *index < self.places.len() => {
                let (place, _) = self.places.remove(*index);
                assert!(self.gate.leave(&place).is_some());
            }
            Step::Leave(_) => {}
            Step::Pass(milliseconds) => self.now += Duration::from_millis(*milliseconds),
            Step::Resize { concurrency, slots } => self.resize(*concurrency, *slots),
        }
        self.dispatch();
    }

    fn ask(&mut self, model: &str, tokens: u64, class: Class) {
        let need = Need { tokens, open_for: Duration::ZERO, class };
        self.asked += 1;
        match self.gate.start(model, &need, self.now) {
            Some(model) => self.note(model, need, self.asked),
            None => self.places.push((self.gate.enqueue(model, need, self.asked), self.asked)),
        }
    }

    /// Returns the time at which more may start.
    fn dispatch(&mut self) -> Option<Instant> {
        let dispatched = self.gate.dispatch(self.now);
        for (number, model, need) in dispatched.started {
            self.places.retain(|(_, waiting)| *waiting != number);
            self.note(model, need, number);
        }
        assert_eq!(self.gate.waiting() as usize, self.places.len());
        assert_eq!(self.gate.in_flight() as usize, self.in_flight.len());
        dispatched.next
    }

    fn note(&mut self, model: Arc<str>, need: Need, number: usize) {
        let at = (self.now - self.start).as_secs_f64();
        self.started.push((at, model.clone(), need, number));
        self.in_flight.push((model, need));
        assert!(self.in_flight.len() <= self.concurrency as usize);
        let narrow = self.in_flight.iter().filter(|(model, _)| **model == *MODELS[0]).count();
        assert!(narrow <= NARROW as usize);
    }

    /// Checks that no window between two starts has more than the rate and the burst.
    fn assert_within_rates(&self) {
        for (index, (from, ..)) in self.started.iter().enumerate() {
            let (mut calls, mut tokens) = (0.0, 0.0);
            for (until, _, used, _) in &self.started[index..] {
                // The last call may be larger than the bucket.
                let bound = TOKENS_PER_SECOND * (until - from) + TOKENS_BURST;
                assert!(tokens <= bound + 1.0, "{tokens} tokens before {until}, above {bound}");
                calls += 1.0;
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let used = used.tokens as f64;
                tokens += used;
                let bound = CALLS_PER_SECOND * (until - from) + f64::from(SLOTS);
                assert!(calls <= bound + 1e-6, "{calls} calls, above {bound}");
            }
        }
    }
}

proptest! {
    #[test]
    fn limits_hold_in_every_window_and_at_every_moment(steps in vec(step(), 0..300)) {
        let mut history = History::new();
        for step in &steps {
            history.apply(step);
        }
        history.assert_within_rates();
    }

    #[test]
    fn attempts_of_a_model_and_a_class_start_in_their_order_and_all_start_in_the_end(steps in vec(step(), 0..200)) {
        let mut history = History::new();
        for step in &steps {
            history.apply(step);
        }
        history.resize(CONCURRENCY, SLOTS);
        for _ in 0..10_000 {
            match history.dispatch() {
                Some(next) => history.now = next,
                None if history.in_flight.is_empty() => break,
                None => history.apply(&Step::End),
            }
        }

        prop_assert!(history.places.is_empty(), "{:?}", history.gate);
        for (name, class) in MODELS.into_iter().flat_map(|name| Class::ALL.map(|class| (name, class))) {
            let started = history.started.iter();
            let of_both = started.filter(|(_, model, need, _)| **model == *name && need.class == class);
            prop_assert!(of_both.map(|start| start.3).is_sorted(), "{name}, {class:?}");
        }
    }
}

/// A bound that is tested must be reachable, or else the gate would be too narrow.
#[test]
fn a_rate_is_used_fully() {
    let mut history = History::new();
    history.resize(CONCURRENCY, SLOTS);
    while history.now < history.start + Duration::from_mins(1) {
        history.ask("wide", 1, Class::Run);
        while history.gate.waiting() > 0 {
            history.now = history.dispatch().unwrap_or(history.now);
        }
        history.apply(&Step::End);
    }

    let started = history.started.len();
    assert!((599..=601).contains(&started), "{started} calls in a minute");
}
