use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use runmill_store::{Answer, Ask, Exchanged, Talk};
use tokio::time::Instant;

use super::{
    Feeding,
    copies::{Question, Verdict},
    memory::{Memory, Phase},
    silence::Silence,
    view::View,
};

/// Maximum number of questions in one heartbeat. The others wait until these are answered.
const ASKS_MAX: usize = 200;
/// Maximum number of answers in one heartbeat.
const ANSWERS_MAX: usize = 5_000;
/// Longest time that an exchange may take for its answers to start a call. Answers that took longer, for example
/// because this process was frozen meanwhile, may be outdated.
const TIMELY: Duration = Duration::from_secs(2);

/// The decisions of one executor about possible copies, without I/O. `D` is the delivery of a job.
pub struct Core<D> {
    name: String,
    pub memory: Memory<D>,
    silence: Silence,
    questions: BTreeMap<u64, Question>,
    number_next: u64,
    /// Open questions of the others, when they were last read.
    asked: Vec<(String, Ask)>,
    /// Newest number of a question of each other executor that was read.
    newest: HashMap<String, u64>,
    /// Newest term of the feeder that this executor knows.
    term: u64,
}

/// Consequences of an exchange.
#[derive(Debug, Default)]
pub struct Heard {
    pub verdicts: Vec<(u64, Verdict)>,
    /// True if the others have asked something new: the answers should not wait for the next heartbeat.
    pub owes_answers: bool,
}

impl<D> Core<D> {
    pub fn new(name: String) -> Self {
        Self {
            name,
            memory: Memory::default(),
            silence: Silence::default(),
            questions: BTreeMap::new(),
            number_next: 0,
            asked: Vec::new(),
            newest: HashMap::new(),
            term: 0,
        }
    }

    /// Returns true if a job of `term` comes from a feeder that was replaced since. A job of a release whose feeder has no
    /// term has 0.
    pub fn is_of_old_term(&mut self, term: u64) -> bool {
        self.term = self.term.max(term);
        term < self.term
    }

    /// Asks the others about a job in hand, until there is a verdict. Returns the number of the question.
    pub fn ask(&mut self, feeding: Feeding) -> u64 {
        let number = self.number_next;
        self.number_next += 1;
        self.memory.set_phase(&feeding.key, Phase::Waiting);
        self.questions.insert(number, Question::new(number, feeding));
        number
    }

    /// Closes a question without a verdict.
    pub fn withdraw(&mut self, number: u64) {
        self.questions.remove(&number);
    }

    pub fn is_asking(&self) -> bool {
        !self.questions.is_empty()
    }

    /// Returns the messages for the next heartbeat, by the state of this moment.
    pub fn talk(&mut self, now: Instant) -> Talk {
        let memory = &mut self.memory;
        let answers = self.asked.iter().take(ANSWERS_MAX).map(|(to, ask)| {
            let holding = memory.answer(&Feeding::from(ask), now);
            Answer { to: to.clone(), number: ask.number, holding }
        });
        let answers = answers.collect();
        let asks = self.questions.values_mut().take(ASKS_MAX).map(|question| {
            question.is_sent = true;
            question.ask()
        });
        Talk { asks: asks.collect(), answers }
    }

    /// Applies the answer of the store to a heartbeat.
    ///
    /// * `gap` — time from the end of the exchange before to the begin of this one.
    /// * `took` — time that this exchange took.
    pub fn hear(&mut self, exchanged: &Exchanged, gap: Duration, took: Duration) -> Heard {
        self.term = self.term.max(exchanged.term);
        self.silence.observe(&exchanged.peers, gap);
        let view = View::new(&self.name, exchanged, &self.silence);
        self.asked = view.asks().map(|(name, ask)| (name.to_owned(), *ask)).collect();
        let mut heard = Heard { owes_answers: is_new(&mut self.newest, &self.asked), ..Heard::default() };
        // Only questions that the heartbeat had can be answered.
        for question in self.questions.values_mut().filter(|question| question.is_sent) {
            let verdict = question.decide(&view, gap);
            match verdict {
                Some(Verdict::Call { .. }) if took > TIMELY => {}
                Some(verdict) => {
                    self.memory.set_phase(&question.feeding.key, phase_after(verdict));
                    heard.verdicts.push((question.number, verdict));
                }
                None => {}
            }
        }
        for (number, _) in &heard.verdicts {
            self.questions.remove(number);
        }
        heard
    }

    /// Notes that an exchange failed.
    pub fn missed(&mut self) {
        self.silence.forget();
    }
}

const fn phase_after(verdict: Verdict) -> Phase {
    match verdict {
        Verdict::Call { .. } => Phase::Working,
        Verdict::Drop => Phase::Dropped,
    }
}

/// Returns true if one of the questions was not read before. Forgets the executors that ask nothing.
fn is_new(newest: &mut HashMap<String, u64>, asked: &[(String, Ask)]) -> bool {
    let before = std::mem::take(newest);
    for (name, ask) in asked {
        let number = newest.entry(name.clone()).or_default();
        *number = (*number).max(ask.number);
    }
    newest.iter().any(|(name, number)| before.get(name).is_none_or(|before| number > before))
}
