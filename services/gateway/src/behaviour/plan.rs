use std::time::Duration;

use super::{
    Identity, Model,
    model::Break,
    refusal::{Refusal, StreamMode},
};
use crate::chance::Share;

/// Planned behaviour of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    Refuse(Refusal),
    /// Fails immediately.
    Fail {
        status: u16,
        /// Seconds after which the client may try again.
        retry_after: Option<u32>,
    },
    /// Never answers.
    Hang,
    Answer {
        pace: Pace,
        ending: Ending,
    },
}

/// Times at which an answer's tokens are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Time from the request to the first token.
    pub ttft: Duration,
    /// Time from one token to the next.
    pub token_gap: Duration,
}

/// End of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// Ends after some tokens, without the stream's terminator.
    Cut {
        after_tokens: usize,
    },
    /// Ends after some tokens, with the error of an overloaded server.
    Overloaded {
        after_tokens: usize,
    },
    /// Ends with incomplete JSON.
    Malformed,
}

impl Model {
    /// Plans one call. The plan depends only on the model's name, the request and its attempt.
    pub fn plan(&self, identity: Identity, mode: StreamMode) -> Plan {
        if let Some(refusal) = self.refusals.iter().find(|refusal| refusal.applies_to(mode)) {
            return Plan::Refuse(*refusal);
        }
        if let Some(status) = self.failure(identity) {
            return Plan::Fail { status, retry_after: self.retry_after };
        }
        if self.hang.contains(identity.draw("hang")) {
            return Plan::Hang;
        }
        let pace = Pace { ttft: self.ttft, token_gap: self.token_gap };
        Plan::Answer { pace, ending: self.ending(identity) }
    }

    /// Returns the status if the call fails. All statuses share one draw, so that each gets its share of all calls,
    /// and not only of the calls that the statuses before it left.
    fn failure(&self, identity: Identity) -> Option<u16> {
        let draw = identity.draw("fail");
        let mut sum = Share::NONE;
        for (status, share) in &self.failures {
            sum = sum.checked_add(*share)?;
            if sum.contains(draw) {
                return Some(*status);
            }
        }
        None
    }

    fn ending(&self, identity: Identity) -> Ending {
        if self.malformed.contains(identity.draw("malformed")) {
            return Ending::Malformed;
        }
        let breaks = |at: Option<Break>, what| at.filter(|at| at.share.contains(identity.draw(what)));
        if let Some(at) = breaks(self.overload, "overload") {
            Ending::Overloaded { after_tokens: at.tokens() }
        } else if let Some(at) = breaks(self.cut, "cut") {
            Ending::Cut { after_tokens: at.tokens() }
        } else {
            Ending::Whole
        }
    }
}

impl Break {
    fn tokens(self) -> usize {
        usize::try_from(self.after_tokens).unwrap_or(usize::MAX)
    }
}

impl Ending {
    /// Returns the maximum number of tokens that a stream with this end sends.
    pub fn tokens_shown(self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Cut { after_tokens } | Self::Overloaded { after_tokens } => after_tokens,
            Self::Malformed => 1,
        }
    }
}

impl Pace {
    /// Returns the time from the request to token `index`, counted from 0.
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

    const STREAM: StreamMode = StreamMode { stream: true, stream_options: false };
    const BUFFERED: StreamMode = StreamMode { stream: false, stream_options: false };

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
        let options = StreamMode { stream: true, stream_options: true };
        let table = [
            ("echo+nostream", STREAM, Some(Refusal::Stream)),
            ("echo+nostream", BUFFERED, None),
            ("echo+onlystream", BUFFERED, Some(Refusal::Buffered)),
            ("echo+onlystream", STREAM, None),
            ("echo+nostreamoptions", options, Some(Refusal::StreamOptions)),
            ("echo+nostreamoptions", STREAM, None),
            ("echo+nostreamoptions", BUFFERED, None),
        ];
        for (name, mode, want) in table {
            let plan = model(name).plan(Identity::of_id("a:0", 0), mode);
            let refusal = if let Plan::Refuse(refusal) = plan { Some(refusal) } else { None };
            assert_eq!(refusal, want, "{name}, {mode:?}");
        }
    }

    #[test]
    fn tokens_come_at_an_even_pace_after_the_first() {
        let pace = Pace { ttft: Duration::from_millis(200), token_gap: Duration::from_millis(20) };

        assert_eq!([0, 1, 10].map(|token| pace.until_token(token).as_millis()), [200, 220, 400]);
    }
}
