//! The usage of OpenAI's two protocols, under the names of all servers that speak them.

use runmill_pricing::{ServiceTier, Terms};
use runmill_proto::Usage;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, value::MapAccessDeserializer},
};

use crate::{
    Billing, Metered, ToldCost,
    protocol::{
        lenient::{Detail, Lenient, Object, Scalar},
        tally::{Count, Tally, estimate, is_beside, nanodollars},
    },
};

/// The field `usage` of an answer. `None` if the answer has none. It is boxed, because the chunks of a stream are moved,
/// and most have none.
#[derive(Default)]
pub(in crate::protocol) struct UsageField(pub Option<Box<Metered>>);

impl<'de> Deserialize<'de> for UsageField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Lenient::<Counted>::deserialize(deserializer)? {
            Lenient::Absent => None,
            Lenient::Unreadable => {
                let billing = Billing { unreadable: true, ..Billing::default() };
                Some(Box::new(Metered { usage: None, billing }))
            }
            Lenient::Read(Counted(metered)) => Some(metered),
        }))
    }
}

/// Content of a usage object. The object itself has many fields and is not moved, because most chunks have none.
struct Counted(Box<Metered>);

impl<'de> Detail<'de> for Counted {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        let usage = WireUsage::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Some(Self(Box::new(usage.metered()))))
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    /// Names of the second protocol, which some servers use in the first one, too.
    input_tokens: Count,
    output_tokens: Count,
    prompt_tokens_details: Lenient<Object<PromptDetails>>,
    input_tokens_details: Lenient<Object<PromptDetails>>,
    completion_tokens_details: Lenient<Object<AnswerDetails>>,
    output_tokens_details: Lenient<Object<AnswerDetails>>,
    /// `DeepSeek`'s name of the cached tokens.
    prompt_cache_hit_tokens: Count,
    /// Moonshot's name of the cached tokens.
    cached_tokens: Count,
    /// Anthropic's names, which LiteLLM's proxy adds. These tokens are among those of the prompt.
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    /// Name of Perplexity and `SGLang`.
    reasoning_tokens: Count,
    server_tool_use: Lenient<Object<Searches>>,
    /// xAI's counts of the tools that it ran.
    server_side_tool_usage_details: Lenient<Object<Calls>>,
    /// Perplexity's number of searches.
    num_search_queries: Count,
    service_tier: Lenient<ServiceTier>,
    cost: Lenient<Cost>,
    /// xAI's charge, of which a dollar has 10,000,000,000.
    cost_in_usd_ticks: Count,
    /// `OpenRouter`'s mark of a call that the vendor charges by the user's own key.
    is_byok: Count,
    cost_details: Lenient<Object<CostDetails>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    /// LiteLLM's name of the tokens that were written to a cache.
    cache_creation_tokens: Count,
    cache_creation_token_details: Lenient<Object<Lifetimes>>,
    cached_tokens_details: Lenient<Object<Media>>,
    audio_tokens: Count,
    image_tokens: Count,
    web_search_requests: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Lifetimes {
    ephemeral_1h_input_tokens: Count,
    ephemeral_12h_input_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Media {
    audio_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are the protocol's")]
struct AnswerDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Searches {
    web_search_requests: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Calls {
    web_search_calls: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct CostDetails {
    upstream_inference_cost: Count,
}

/// A cost: an amount, or Perplexity's object with its parts and their sum.
#[derive(Clone, Copy)]
enum Cost {
    Amount(Scalar),
    Sum(Count),
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Costs {
    total_cost: Count,
}

impl<'de> Detail<'de> for Cost {
    fn scalar(scalar: Scalar) -> Option<Self> {
        Some(Self::Amount(scalar))
    }

    fn text(text: &str) -> Option<Self> {
        Scalar::text(text).map(Self::Amount)
    }

    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        let costs = Object::<Costs>::object(object)?;
        Ok(costs.map(|Object(costs)| Self::Sum(costs.total_cost)))
    }
}

/// Number of xAI's ticks in a nanodollar.
const TICKS_PER_NANODOLLAR: u64 = 10;

impl WireUsage {
    fn metered(self) -> Metered {
        let told = self.told_cost();
        let service = self.service_tier.read().unwrap_or_default();
        let mut tally = Tally::default();
        let usage = self.usage(&mut tally);
        tally.metered(
            usage,
            Billing { terms: Terms { service, ..Terms::default() }, told, ..Billing::default() },
        )
    }

    fn usage(self, tally: &mut Tally) -> Option<Usage> {
        let prompt_tokens = tally.count([self.prompt_tokens, self.input_tokens]);
        let completion_tokens = tally.count([self.completion_tokens, self.output_tokens]);
        let total = tally.count([self.total_tokens]);
        let prompt = match self.prompt_tokens_details {
            Lenient::Absent => tally.object(self.input_tokens_details),
            details => tally.object(details),
        };
        let answer = match self.completion_tokens_details {
            Lenient::Absent => tally.object(self.output_tokens_details),
            details => tally.object(details),
        };
        let lifetimes = tally.object(prompt.cache_creation_token_details);
        let cached = tally.object(prompt.cached_tokens_details);
        let searches = tally.object(self.server_tool_use);
        let calls = tally.object(self.server_side_tool_usage_details);
        let reasoning_tokens = tally.part([answer.reasoning_tokens, self.reasoning_tokens]);
        let parts = Usage {
            cached_tokens: tally.part([
                prompt.cached_tokens,
                self.prompt_cache_hit_tokens,
                self.cached_tokens,
                self.cache_read_input_tokens,
            ]),
            cache_write_tokens: tally.part([
                prompt.cache_write_tokens,
                prompt.cache_creation_tokens,
                self.cache_creation_input_tokens,
            ]),
            long_cache_write_tokens: tally
                .part([lifetimes.ephemeral_1h_input_tokens, lifetimes.ephemeral_12h_input_tokens]),
            audio_input_tokens: tally.part([prompt.audio_tokens]),
            cached_audio_tokens: tally.part([cached.audio_tokens]),
            image_input_tokens: tally.part([prompt.image_tokens]),
            reasoning_tokens,
            audio_output_tokens: tally.part([answer.audio_tokens]),
            image_output_tokens: tally.part([answer.image_tokens]),
            web_searches: tally.part([
                searches.web_search_requests,
                calls.web_search_calls,
                self.num_search_queries,
                prompt.web_search_requests,
            ]),
            ..Usage::default()
        };
        let (prompt_tokens, completion_tokens) = prompt_tokens.zip(completion_tokens)?;
        let beside = if is_beside(reasoning_tokens, completion_tokens, prompt_tokens, total) {
            reasoning_tokens
        } else {
            0
        };
        Some(Usage { prompt_tokens, completion_tokens: completion_tokens.saturating_add(beside), ..parts })
    }

    /// Returns the cost that the answer tells. Only vendors' own names and shapes tell a charge: the plain `cost` is also
    /// that of proxies, which estimate it.
    fn told_cost(&self) -> Option<ToldCost> {
        if let Some(ticks) = Tally::default().count([self.cost_in_usd_ticks]) {
            let nanodollars = ticks.saturating_add(TICKS_PER_NANODOLLAR / 2) / TICKS_PER_NANODOLLAR;
            return Some(ToldCost::Charged(i64::try_from(nanodollars).unwrap_or(i64::MAX)));
        }
        let amount = match self.cost.read()? {
            Cost::Sum(total) => return nanodollars(total).map(ToldCost::Charged),
            Cost::Amount(amount) => nanodollars(Lenient::Read(amount))?,
        };
        match self.is_byok.read() {
            // The vendor charges the inference, and OpenRouter its fee.
            Some(Scalar::Flag(true)) => {
                let Object(details) = self.cost_details.read()?;
                let upstream = nanodollars(details.upstream_inference_cost)?;
                Some(ToldCost::Charged(amount.saturating_add(upstream)))
            }
            Some(Scalar::Flag(false)) => Some(ToldCost::Charged(amount)),
            _ => estimate(amount),
        }
    }
}
