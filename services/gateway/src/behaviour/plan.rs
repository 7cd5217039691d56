use std::time::Duration;

use super::{Identity, Model, model::Break};
use crate::chance::Share;

/// What a call does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    Refuse(Refusal),
    /// Fails at once.
    Fail {
        status: u16,
        /// In seconds.
        retry_after: Option<u32>,
    },
    /// Never answers.
    Hang,
    Answer {
        pace: Pace,
        ending: Ending,
    },
}

/// The form of a request that a model does not take, in the words of servers that do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "Unsupported value: 'stream' does not support true with this model. Only the default (false) value is \
         supported."
    )]
    Stream,
    #[error("This model only support stream mode, please enable the stream parameter to access the model.")]
    Buffered,
    #[error("Unknown parameter: 'stream_options'.")]
    StreamOptions,
}

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub stream: bool,
    /// Whether there are any, whatever they say.
    pub stream_options: bool,
}

/// When the tokens come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// From the request to the first token.
    pub ttft: Duration,
    pub token_gap: Duration,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// After so many tokens, and without what marks an end.
    Cut {
        after_tokens: usize,
    },
    /// After so many tokens, with the news that the server is overloaded.
    Overloaded {
        after_tokens: usize,
    },
    /// In JSON that nobody can read.
    Malformed,
}

impl Model {
    /// The fate of one call: a function of the model's name, the request and its attempt, and nothing else.
    pub fn plan(&self, identity: Identity, form: Form) -> Plan {
        if let Some(refusal) = self.refusals.iter().find(|refusal| refusal.meets(form)) {
            return Plan::Refuse(*refusal);
        }
        if let Some(status) = self.failure(identity) {
            return Plan::Fail { status, retry_after: self.retry_after };
        }
        if self.hang.has(identity.draw("hang")) {
            return Plan::Hang;
        }
        let pace = Pace { ttft: self.ttft, token_gap: self.token_gap };
        Plan::Answer { pace, ending: self.ending(identity) }
    }

    /// One draw for all statuses, so that their shares are of all calls and not of what the one before left.
    fn failure(&self, identity: Identity) -> Option<u16> {
        let draw = identity.draw("fail");
        let mut sum = Share::NONE;
        for (status, share) in &self.failures {
            sum = sum.plus(*share)?;
            if sum.has(draw) {
                return Some(*status);
            }
        }
        None
    }

    fn ending(&self, identity: Identity) -> Ending {
        if self.malformed.has(identity.draw("malformed")) {
            return Ending::Malformed;
        }
        let breaks = |at: Option<Break>, what| at.filter(|at| at.share.has(identity.draw(what)));
        if let Some(at) = breaks(self.overload, "overload") {
            Ending::Overloaded { after_tokens: at.tokens() }
        } else if let Some(at) = breaks(self.cut, "cut") {
            Ending::Cut { after_tokens: at.tokens() }
        } else {
            Ending::Whole
        }
    }
}

impl Refusal {
    fn meets(self, form: Form) -> bool {
        match self {
            Self::Stream => form.stream,
            Self::Buffered => !form.stream,
            Self::StreamOptions => form.stream_options,
        }
    }
}

impl Break {
    fn tokens(self) -> usize {
        usize::try_from(self.after_tokens).unwrap_or(usize::MAX)
    }
}

impl Ending {
    /// How many tokens a stream shows at most.
    pub fn tokens_shown(self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Cut { after_tokens } | Self::Overloaded { after_tokens } => after_tokens,
            Self::Malformed => 1,
        }
    }
}

impl Pace {
    /// From the request to token `index`, counted from 0.
    pub fn until_token(self, index: usize) -> Duration {
        self.ttft + self.token_gap * u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub fn is_immediate(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Form = Form { stream: true, stream_options: false };
    const BUFFERED: Form = Form { stream: false, stream_options: false };

    fn model(name: &str) -> Model {
        name.parse().unwrap()
    }

    fn plans(name: &str, attempt: u32) -> Vec<Plan> {
        let model = model(name);
        (0..10_000).map(|n| model.plan(Identity::of_id(&format!("run:{n}:0:{attempt}"), 0), STREAM)).collect()
    }

    fn count(plans: &[Plan], is: impl Fn(&Plan) -> bool) -> usize {
        plans.iter().filter(|plan| is(plan)).count()
    }

    fn fails_with(wanted: u16) -> impl Fn(&Plan) -> bool {
        move |plan| matches!(plan, Plan::Fail { status, .. } if *status == wanted)
    }

    #[test]
    fn each_status_gets_its_share_of_all_calls() {
        let plans = plans("echo+fail=429:0.1+fail=500:0.3", 0);

        assert!((900..1_100).contains(&count(&plans, fails_with(429))));
        assert!((2_900..3_100).contains(&count(&plans, fails_with(500))));
    }

    #[test]
    fn a_call_has_the_same_fate_every_time() {
        assert_eq!(plans("echo+fail=429:0.1", 0), plans("echo+fail=429:0.1", 0));
    }

    #[test]
    fn another_attempt_is_another_draw() {
        let (first, second) = (plans("echo+fail=429:0.5", 0), plans("echo+fail=429:0.5", 1));

        let both =
            first.iter().zip(&second).filter(|(a, b)| fails_with(429)(a) && fails_with(429)(b)).count();

        assert!((2_300..2_700).contains(&both), "{both}");
    }

    #[test]
    fn shares_of_different_words_are_independent() {
        let plans = plans("echo+hang:0.5+malformed:0.5+overload=2:0.5+cut=3:0.5", 0);
        let ends = |wanted: Ending| move |plan: &Plan| matches!(plan, Plan::Answer { ending, .. } if *ending == wanted);

        assert!((4_800..5_200).contains(&count(&plans, |plan| *plan == Plan::Hang)));
        assert!((2_300..2_700).contains(&count(&plans, ends(Ending::Malformed))));
        assert!((1_100..1_400).contains(&count(&plans, ends(Ending::Overloaded { after_tokens: 2 }))));
        assert!((550..700).contains(&count(&plans, ends(Ending::Cut { after_tokens: 3 }))));
    }

    #[test]
    fn a_request_is_refused_for_its_form_alone() {
        let options = Form { stream: true, stream_options: true };
        let table = [
            ("echo+nostream", STREAM, Some(Refusal::Stream)),
            ("echo+nostream", BUFFERED, None),
            ("echo+onlystream", BUFFERED, Some(Refusal::Buffered)),
            ("echo+onlystream", STREAM, None),
            ("echo+nostreamoptions", options, Some(Refusal::StreamOptions)),
            ("echo+nostreamoptions", STREAM, None),
            ("echo+nostreamoptions", BUFFERED, None),
        ];
        for (name, form, want) in table {
            let plan = model(name).plan(Identity::of_id("a:0", 0), form);
            let refusal = if let Plan::Refuse(refusal) = plan { Some(refusal) } else { None };
            assert_eq!(refusal, want, "{name}, {form:?}");
        }
    }

    #[test]
    fn tokens_come_at_an_even_pace_after_the_first() {
        let pace = Pace { ttft: Duration::from_millis(200), token_gap: Duration::from_millis(20) };

        assert_eq!([0, 1, 10].map(|token| pace.until_token(token).as_millis()), [200, 220, 400]);
    }
}
