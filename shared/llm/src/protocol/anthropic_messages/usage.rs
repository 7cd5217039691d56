use runmill_pricing::{Place, ServiceTier, Terms};
use runmill_proto::Usage;
use serde::Deserialize;

use crate::{
    Billing, Metered,
    protocol::{
        lenient::{Detail, Lenient, Object, Scalar},
        tally::{Count, Tally},
    },
};

/// Token counts so far. A stream sends some at its start and all at its end.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    /// Number of tokens that were neither read from a cache nor written to it.
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Lenient<Object<Lifetimes>>,
    output_tokens: Count,
    output_tokens_details: Lenient<Object<OutputDetails>>,
    server_tool_use: Lenient<Object<Searches>>,
    service_tier: Lenient<ServiceTier>,
    inference_geo: Lenient<Geo>,
    speed: Lenient<Speed>,
}

/// The field `usage`, absent or of any type.
pub(super) type UsageField = Lenient<Object<WireUsage>>;

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Lifetimes {
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Searches {
    web_search_requests: Count,
}

/// Place where the answer was made.
#[derive(Clone, Copy)]
struct Geo(Place);

impl Detail<'_> for Geo {
    fn text(name: &str) -> Option<Self> {
        Some(Self(if name.eq_ignore_ascii_case("us") { Place::Us } else { Place::Global }))
    }
}

#[derive(Clone, Copy)]
struct Speed {
    is_fast: bool,
}

impl Detail<'_> for Speed {
    fn text(name: &str) -> Option<Self> {
        Some(Self { is_fast: name == "fast" })
    }
}

impl WireUsage {
    /// Adds a later usage. See [`update`](Self::update).
    pub fn add(known: &mut UsageField, later: UsageField) {
        match (known, later) {
            (Lenient::Read(Object(known)), Lenient::Read(Object(later))) => known.update(later),
            (known, Lenient::Read(_) | Lenient::Unreadable) => *known = later,
            (_, Lenient::Absent) => {}
        }
    }

    /// Replaces each count by the later one. A later zero is ignored, because servers send it for counts that they
    /// have already sent.
    fn update(&mut self, later: Self) {
        let newer = |old: Count, new: Count| match new {
            Lenient::Absent | Lenient::Read(Scalar::Whole(0)) if old != Lenient::Absent => old,
            new => new,
        };
        *self = Self {
            input_tokens: newer(self.input_tokens, later.input_tokens),
            cache_read_input_tokens: newer(self.cache_read_input_tokens, later.cache_read_input_tokens),
            cache_creation_input_tokens: newer(
                self.cache_creation_input_tokens,
                later.cache_creation_input_tokens,
            ),
            cache_creation: later.cache_creation.or(self.cache_creation),
            output_tokens: newer(self.output_tokens, later.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
            server_tool_use: later.server_tool_use.or(self.server_tool_use),
            service_tier: later.service_tier.or(self.service_tier),
            inference_geo: later.inference_geo.or(self.inference_geo),
            speed: later.speed.or(self.speed),
        };
    }

    fn usage(self, tally: &mut Tally) -> Option<Usage> {
        let cached_tokens = tally.part([self.cache_read_input_tokens]);
        let cache_write_tokens = tally.part([self.cache_creation_input_tokens]);
        let lifetimes = tally.object(self.cache_creation);
        let details = tally.object(self.output_tokens_details);
        let searches = tally.object(self.server_tool_use);
        let input = tally.count([self.input_tokens]);
        let output = tally.count([self.output_tokens]);
        let parts = Usage {
            cached_tokens,
            cache_write_tokens,
            long_cache_write_tokens: tally.part([lifetimes.ephemeral_1h_input_tokens]),
            reasoning_tokens: tally.part([details.thinking_tokens]),
            web_searches: tally.part([searches.web_search_requests]),
            ..Usage::default()
        };
        let (input, completion_tokens) = input.zip(output)?;
        let prompt_tokens = input.saturating_add(cached_tokens).saturating_add(cache_write_tokens);
        Some(Usage { prompt_tokens, completion_tokens, ..parts })
    }
}

/// Returns what was counted.
pub(super) fn metered(usage: UsageField) -> Metered {
    let mut tally = Tally::default();
    let usage = tally.object(usage);
    let terms = Terms {
        service: usage.service_tier.read().unwrap_or_default(),
        place: usage.inference_geo.read().map_or(Place::Global, |Geo(place)| place),
        fast: usage.speed.read().is_some_and(|speed| speed.is_fast),
        ..Terms::default()
    };
    let counted = usage.usage(&mut tally);
    tally.metered(counted, Billing { terms, ..Billing::default() })
}
