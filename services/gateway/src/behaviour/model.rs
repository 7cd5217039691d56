use std::{str::FromStr, time::Duration};

use super::refusal::Refusal;
use crate::{
    chance::{Share, ShareFault},
    limit::{Limits, Rate},
};

/// Longest name of a model, in bytes. It limits the memory that names take.
pub const NAME_BYTES_MAX: usize = 256;
const TTFT_MAX: Duration = Duration::from_mins(10);
const TOKENS_MAX: u32 = 100_000;
const TPS_MAX: u32 = 1_000_000;
const LIMIT_MAX: u32 = 100_000_000;

/// A model, parsed from its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub base: Base,
    /// Time from the request to the first token.
    pub ttft: Duration,
    /// Time from one token to the next.
    pub token_gap: Duration,
    /// Number of reasoning tokens before the answer.
    pub think: u32,
    /// Number of tokens in the answer, if the name gives one.
    pub tokens: Option<u32>,
    /// Statuses and their shares, which add up to at most 1.
    pub failures: Vec<(u16, Share)>,
    /// Seconds after which the client may try again, sent with failures.
    pub retry_after: Option<u32>,
    pub refusals: Vec<Refusal>,
    pub limits: Limits,
    /// True if responses tell the state of the limits in headers, in the protocols that have such headers.
    pub headers: bool,
    /// True if an answer begins only after [`crate::Gateway::release`].
    pub hold: bool,
    pub hang: Share,
    pub malformed: Share,
    pub overload: Option<Break>,
    pub cut: Option<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Echo,
    Lorem,
    /// Calls the request's first tool. For a request without tools it is `Echo`.
    Tool,
    Key {
        /// Share of the items that are answered correctly.
        right: Share,
    },
}

/// A break in a stream after a number of tokens, for a share of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    pub after_tokens: u32,
    pub share: Share,
}

/// Reason why a model's name cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    #[error("the name is longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    #[error("`{0}` is no base: use echo, lorem, tool or key")]
    Base(String),
    #[error(
        "`{0}` is no modifier: use ttft, think, tokens, tps, fail, retry-after, nostream, onlystream, \
         nostreamoptions, slots, rps, rpm, tpm, headers, hold, hang, malformed, overload or cut"
    )]
    Modifier(String),
    #[error("`{term}`: {wanted} is expected")]
    Value { term: String, wanted: &'static str },
    #[error("`{term}`: {fault}")]
    Share { term: String, fault: ShareFault },
    #[error("`{0}` is given twice")]
    Twice(String),
    #[error("the shares of `fail` add up to more than 1")]
    FailShares,
}

impl FromStr for Model {
    type Err = ModelFault;

    fn from_str(name: &str) -> Result<Self, ModelFault> {
        if name.len() > NAME_BYTES_MAX {
            return Err(ModelFault::TooLong);
        }
        let mut terms = name.split('+').map(Term::of);
        let base = terms.next().expect("a split has at least one part");
        let mut model = Self::plain(base.base()?);
        let mut seen = Vec::new();
        for term in terms {
            if term.name != "fail" && seen.contains(&term.name) {
                return Err(ModelFault::Twice(term.name.to_owned()));
            }
            seen.push(term.name);
            model.modify(&term)?;
        }
        Ok(model)
    }
}

impl Model {
    fn plain(base: Base) -> Self {
        Self {
            base,
            ttft: Duration::ZERO,
            token_gap: Duration::ZERO,
            think: 0,
            tokens: None,
            failures: Vec::new(),
            retry_after: None,
            refusals: Vec::new(),
            limits: Limits::default(),
            headers: false,
            hold: false,
            hang: Share::NONE,
            malformed: Share::NONE,
            overload: None,
            cut: None,
        }
    }

    fn modify(&mut self, term: &Term<'_>) -> Result<(), ModelFault> {
        match term.name {
            "ttft" => self.ttft = term.duration()?,
            "think" => self.think = term.number(1..=TOKENS_MAX, "a number from 1 to 100000")?,
            "tokens" => self.tokens = Some(term.number(1..=TOKENS_MAX, "a number from 1 to 100000")?),
            "tps" => {
                self.token_gap =
                    Duration::from_secs(1) / term.number(1..=TPS_MAX, "a number from 1 to 1000000")?;
            }
            "fail" => self.failures.push(term.failure()?),
            "retry-after" => {
                self.retry_after = Some(term.number(0..=86_400, "a number of seconds from 0 to 86400")?);
            }
            "nostream" => self.refusals.push(term.bare(Refusal::Stream)?),
            "onlystream" => self.refusals.push(term.bare(Refusal::Buffered)?),
            "nostreamoptions" => self.refusals.push(term.bare(Refusal::StreamOptions)?),
            "slots" => self.limits.slots = Some(term.limit()?),
            "rps" => self.limits.per_second = Some(term.rate()?),
            "rpm" => self.limits.per_minute = Some(term.limit()?),
            "tpm" => self.limits.tokens_per_minute = Some(term.limit()?),
            "headers" => self.headers = term.bare(true)?,
            "hold" => self.hold = term.bare(true)?,
            "hang" => self.hang = term.share_of_bare()?,
            "malformed" => self.malformed = term.share_of_bare()?,
            "overload" => self.overload = Some(term.break_off()?),
            "cut" => self.cut = Some(term.break_off()?),
            _ => return Err(ModelFault::Modifier(term.whole.to_owned())),
        }
        self.failures
            .iter()
            .try_fold(Share::NONE, |sum, (_, share)| sum.checked_add(*share))
            .map(drop)
            .ok_or(ModelFault::FailShares)
    }
}

/// One term of a model's name, a base or a modifier: `name`, `name=value`, `name:share` or `name=value:share`.
struct Term<'a> {
    whole: &'a str,
    name: &'a str,
    value: Option<&'a str>,
    share: Option<&'a str>,
}

impl<'a> Term<'a> {
    fn of(whole: &'a str) -> Self {
        let (rest, share) = whole.split_once(':').map_or((whole, None), |(rest, share)| (rest, Some(share)));
        let (name, value) = rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
        Self { whole, name, value, share }
    }

    fn base(&self) -> Result<Base, ModelFault> {
        match (self.name, self.value, self.share) {
            ("echo", None, None) => Ok(Base::Echo),
            ("lorem", None, None) => Ok(Base::Lorem),
            ("tool", None, None) => Ok(Base::Tool),
            ("key", None, None) => Ok(Base::Key { right: Share::ALL }),
            ("key", Some(right), None) => Ok(Base::Key { right: self.parse_share(right)? }),
            _ => Err(ModelFault::Base(self.whole.to_owned())),
        }
    }

    /// Returns `meaning` if the word stands alone.
    fn bare<T>(&self, meaning: T) -> Result<T, ModelFault> {
        let bare = self.value.is_none() && self.share.is_none();
        if bare { Ok(meaning) } else { Err(self.expected("the word alone")) }
    }

    fn share_of_bare(&self) -> Result<Share, ModelFault> {
        if self.value.is_some() {
            return Err(self.expected("the word alone, or with a share after a colon,"));
        }
        self.share.map_or(Ok(Share::ALL), |share| self.parse_share(share))
    }

    fn failure(&self) -> Result<(u16, Share), ModelFault> {
        let status =
            self.value.and_then(|value| value.parse().ok()).filter(|status| (400..600).contains(status));
        let (Some(status), Some(share)) = (status, self.share) else {
            return Err(self.expected("a status from 400 to 599 and its share, as in fail=429:0.1,"));
        };
        Ok((status, self.parse_share(share)?))
    }

    fn break_off(&self) -> Result<Break, ModelFault> {
        let after_tokens = self.value.and_then(|value| value.parse().ok());
        let after_tokens = after_tokens
            .ok_or_else(|| self.expected("a number of tokens from 0 to 4294967295, as in cut=10,"))?;
        let share = self.share.map_or(Ok(Share::ALL), |share| self.parse_share(share))?;
        Ok(Break { after_tokens, share })
    }

    fn limit(&self) -> Result<u32, ModelFault> {
        self.number(1..=LIMIT_MAX, "a number from 1 to 100000000")
    }

    /// Reads calls per second, and the burst after a colon. By default a second's calls may come at once.
    fn rate(&self) -> Result<Rate, ModelFault> {
        let within = |text: &str| text.parse().ok().filter(|number| (1..=LIMIT_MAX).contains(number));
        let calls = self.value.and_then(within);
        let burst = self.share.map_or(calls, within);
        let (Some(calls), Some(burst)) = (calls, burst) else {
            return Err(
                self.expected("calls per second, and maybe a burst, from 1 to 100000000, as in rps=10:5,")
            );
        };
        Ok(Rate { calls, burst })
    }

    fn number(&self, range: std::ops::RangeInclusive<u32>, wanted: &'static str) -> Result<u32, ModelFault> {
        let number = self.plain_value().and_then(|value| value.parse().ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| self.expected(wanted))
    }

    fn duration(&self) -> Result<Duration, ModelFault> {
        let duration = self.plain_value().and_then(|value| {
            if let Some(millis) = value.strip_suffix("ms") {
                return Some(Duration::from_millis(millis.parse().ok()?));
            }
            Some(Duration::from_secs(value.strip_suffix('s')?.parse().ok()?))
        });
        duration
            .filter(|duration| *duration <= TTFT_MAX)
            .ok_or_else(|| self.expected("a time such as 200ms or 2s, from 0s to 600s,"))
    }

    fn plain_value(&self) -> Option<&'a str> {
        self.value.filter(|_| self.share.is_none())
    }

    fn parse_share(&self, share: &str) -> Result<Share, ModelFault> {
        share.parse().map_err(|fault| ModelFault::Share { term: self.whole.to_owned(), fault })
    }

    fn expected(&self, wanted: &'static str) -> ModelFault {
        ModelFault::Value { term: self.whole.to_owned(), wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Model {
        name.parse().unwrap_or_else(|fault| panic!("{name}: {fault}"))
    }

    fn share(text: &str) -> Share {
        text.parse().unwrap()
    }

    #[test]
    fn each_word_sets_its_field() {
        type Check = fn(&Model) -> bool;
        let table: [(&str, Check); 29] = [
            ("echo", |m| *m == Model::plain(Base::Echo)),
            ("lorem", |m| m.base == Base::Lorem),
            ("key", |m| m.base == Base::Key { right: Share::ALL }),
            ("key=0.8", |m| m.base == Base::Key { right: share("0.8") }),
            ("echo+ttft=200ms", |m| m.ttft == Duration::from_millis(200)),
            ("echo+ttft=2s", |m| m.ttft == Duration::from_secs(2)),
            ("echo+tokens=64", |m| m.tokens == Some(64)),
            ("echo+tps=50", |m| m.token_gap == Duration::from_millis(20)),
            ("echo+fail=429:0.1", |m| m.failures == [(429, share("0.1"))]),
            ("echo+fail=429:0.1+fail=500:0.9", |m| m.failures.len() == 2),
            ("echo+retry-after=2", |m| m.retry_after == Some(2)),
            ("tool", |m| m.base == Base::Tool),
            ("echo+think=9", |m| m.think == 9),
            ("echo+nostream", |m| m.refusals == [Refusal::Stream]),
            ("echo+onlystream+nostreamoptions", |m| {
                m.refusals == [Refusal::Buffered, Refusal::StreamOptions]
            }),
            ("echo+overload=3", |m| m.overload == Some(Break { after_tokens: 3, share: Share::ALL })),
            ("echo+overload=0:0.1", |m| m.overload.is_some_and(|o| o.share == share("0.1"))),
            ("echo+cut=10", |m| m.cut == Some(Break { after_tokens: 10, share: Share::ALL })),
            ("echo+cut=0:0.1", |m| m.cut == Some(Break { after_tokens: 0, share: share("0.1") })),
            ("echo+slots=40", |m| m.limits.slots == Some(40)),
            ("echo+rps=10", |m| m.limits.per_second == Some(Rate { calls: 10, burst: 10 })),
            ("echo+rps=10:5", |m| m.limits.per_second == Some(Rate { calls: 10, burst: 5 })),
            ("echo+rpm=600", |m| m.limits.per_minute == Some(600)),
            ("echo+tpm=100000", |m| m.limits.tokens_per_minute == Some(100_000)),
            ("echo+headers", |m| m.headers),
            ("echo+hold", |m| m.hold),
            ("echo+hang", |m| m.hang == Share::ALL),
            ("echo+hang:0.25", |m| m.hang == share("0.25")),
            ("echo+malformed:0.5", |m| m.malformed == share("0.5")),
        ];
        for (name, check) in table {
            assert!(check(&parse(name)), "{name}");
        }
    }

    #[test]
    fn every_number_is_accepted_within_its_range_and_refused_outside() {
        let table = [
            // name, ends of the range, numbers outside, words
            ("echo+think=@", ["1", "100000"], ["0", "100001"], "from 1 to 100000"),
            ("echo+tokens=@", ["1", "100000"], ["0", "100001"], "from 1 to 100000"),
            ("echo+tps=@", ["1", "1000000"], ["0", "1000001"], "from 1 to 1000000"),
            ("echo+ttft=@s", ["0", "600"], ["-1", "601"], "from 0s to 600s"),
            ("echo+ttft=@ms", ["0", "600000"], ["-1", "600001"], "from 0s to 600s"),
            ("echo+retry-after=@", ["0", "86400"], ["-1", "86401"], "from 0 to 86400"),
            ("echo+slots=@", ["1", "100000000"], ["0", "100000001"], "from 1 to 100000000"),
            ("echo+rps=@", ["1", "100000000"], ["0", "100000001"], "from 1 to 100000000"),
            ("echo+rps=1:@", ["1", "100000000"], ["0", "100000001"], "from 1 to 100000000"),
            ("echo+rpm=@", ["1", "100000000"], ["0", "100000001"], "from 1 to 100000000"),
            ("echo+tpm=@", ["1", "100000000"], ["0", "100000001"], "from 1 to 100000000"),
            ("echo+fail=@:0.1", ["400", "599"], ["399", "600"], "from 400 to 599"),
            ("echo+fail=500:@", ["0", "1"], ["-1", "1.000001"], "from 0 to 1"),
            ("echo+hang:@", ["0", "1"], ["-1", "1.000001"], "from 0 to 1"),
            ("echo+malformed:@", ["0", "1"], ["-1", "1.000001"], "from 0 to 1"),
            ("key=@", ["0", "1"], ["-1", "1.000001"], "from 0 to 1"),
            ("echo+cut=@", ["0", "4294967295"], ["-1", "4294967296"], "from 0 to 4294967295"),
            ("echo+cut=1:@", ["0", "1"], ["-1", "1.000001"], "from 0 to 1"),
            ("echo+overload=@", ["0", "4294967295"], ["-1", "4294967296"], "from 0 to 4294967295"),
        ];
        for (name, ends, outside, words) in table {
            for end in ends {
                parse(&name.replace('@', end));
            }
            for value in outside.into_iter().chain(["", "x", "1e400", "NaN"]) {
                let fault = name.replace('@', value).parse::<Model>().unwrap_err().to_string();
                assert!(fault.contains(words), "{name} {value}: {fault}");
            }
        }
    }

    #[test]
    fn a_bad_name_says_which_word_is_wrong() {
        let long = format!("echo+{}", "x".repeat(NAME_BYTES_MAX));
        let table = [
            ("", "`` is no base"),
            ("gpt-4o", "`gpt-4o` is no base"),
            ("echo=1", "`echo=1` is no base"),
            ("key=1.5", "`key=1.5`: `1.5` is not a share"),
            ("echo+", "`` is no modifier"),
            ("echo+speed=9", "`speed=9` is no modifier"),
            ("echo+ttft=200", "`ttft=200`: a time such as 200ms"),
            ("echo+ttft=601s", "`ttft=601s`: a time such as 200ms"),
            ("echo+ttft=1s:0.1", "`ttft=1s:0.1`: a time such as 200ms"),
            ("echo+tokens=0", "`tokens=0`: a number from 1"),
            ("echo+tps=0", "`tps=0`: a number from 1"),
            ("echo+fail=429", "`fail=429`: a status from 400"),
            ("echo+fail=200:0.1", "`fail=200:0.1`: a status from 400"),
            ("echo+fail=429:0.6+fail=500:0.5", "shares of `fail` add up to more than 1"),
            ("echo+nostream=1", "`nostream=1`: the word alone"),
            ("tool=1", "`tool=1` is no base"),
            ("echo+think=0", "`think=0`: a number from 1"),
            ("echo+onlystream:0.1", "`onlystream:0.1`: the word alone"),
            ("echo+overload", "`overload`: a number of tokens"),
            ("echo+hold:0.5", "`hold:0.5`: the word alone"),
            ("echo+hang=1", "`hang=1`: the word alone"),
            ("echo+cut", "`cut`: a number of tokens"),
            ("echo+tokens=1+tokens=2", "`tokens` is given twice"),
            (long.as_str(), "longer than 256 bytes"),
        ];
        for (name, want) in table {
            let fault = name.parse::<Model>().unwrap_err().to_string();
            assert!(fault.contains(want), "{name}: {fault}");
        }
    }
}
