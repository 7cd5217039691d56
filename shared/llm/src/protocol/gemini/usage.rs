use runmill_pricing::{ServiceTier, Terms};
use runmill_proto::Usage;
use serde::{Deserialize, de::SeqAccess};

use crate::{
    Billing, Metered,
    protocol::{
        lenient::{Detail, Lenient, Object},
        tally::{Count, Tally},
    },
};

/// Token counts of the whole answer so far. A count of zero may be absent.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UsageMetadata {
    /// Number of tokens of the prompt, including cached ones.
    prompt_token_count: Count,
    cached_content_token_count: Count,
    /// Number of tokens of the results of Google's own tools, which the count of the prompt's tokens does not
    /// include.
    tool_use_prompt_token_count: Count,
    candidates_token_count: Count,
    /// Number of tokens of the thoughts, which the count of the candidates' tokens does not include at Google.
    thoughts_token_count: Count,
    total_token_count: Count,
    prompt_tokens_details: Lenient<Modalities>,
    cache_tokens_details: Lenient<Modalities>,
    candidates_tokens_details: Lenient<Modalities>,
    /// Tier of service at Google's own API, and at its cloud.
    service_tier: Lenient<ServiceTier>,
    traffic_type: Lenient<ServiceTier>,
}

/// Numbers of tokens by modality, of which text and others have no price of their own.
#[derive(Clone, Copy, Default)]
struct Modalities {
    audio: Count,
    image: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ModalityCount {
    modality: Lenient<Modality>,
    token_count: Count,
}

#[derive(Clone, Copy)]
enum Modality {
    Audio,
    Image,
    Other,
}

impl Detail<'_> for Modality {
    fn text(name: &str) -> Option<Self> {
        Some(match name {
            "AUDIO" => Self::Audio,
            "IMAGE" => Self::Image,
            _ => Self::Other,
        })
    }
}

impl<'de> Detail<'de> for Modalities {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut counts = Self::default();
        while let Some(entry) = list.next_element::<Lenient<Object<ModalityCount>>>()? {
            let Some(Object(entry)) = entry.read() else { continue };
            match entry.modality.read() {
                Some(Modality::Audio) => counts.audio = entry.token_count,
                Some(Modality::Image) => counts.image = entry.token_count,
                Some(Modality::Other) | None => {}
            }
        }
        Ok(Some(counts))
    }
}

impl UsageMetadata {
    fn usage(self, tally: &mut Tally) -> Option<Usage> {
        let prompt = tally.count([self.prompt_token_count]);
        let tool_use = tally.part([self.tool_use_prompt_token_count]);
        let candidates = tally.part([self.candidates_token_count]);
        let reasoning_tokens = tally.part([self.thoughts_token_count]);
        let total = tally.count([self.total_token_count]);
        let [prompt_media, cached_media, answer_media] =
            [self.prompt_tokens_details, self.cache_tokens_details, self.candidates_tokens_details]
                .map(|details| details.read().unwrap_or_default());
        let parts = Usage {
            cached_tokens: tally.part([self.cached_content_token_count]),
            audio_input_tokens: tally.part([prompt_media.audio]),
            cached_audio_tokens: tally.part([cached_media.audio]),
            image_input_tokens: tally.part([prompt_media.image]),
            reasoning_tokens,
            audio_output_tokens: tally.part([answer_media.audio]),
            image_output_tokens: tally.part([answer_media.image]),
            ..Usage::default()
        };
        let prompt_tokens = prompt?.saturating_add(tool_use);
        // At Google the thoughts are beside the candidates. At some servers the total shows that they are among them.
        let is_among = total == Some(prompt_tokens.saturating_add(candidates));
        let beside = if is_among { 0 } else { reasoning_tokens };
        Some(Usage { prompt_tokens, completion_tokens: candidates.saturating_add(beside), ..parts })
    }

    /// Returns what was counted.
    pub fn metered(self) -> Metered {
        let mut tally = Tally::default();
        let service = self.service_tier.or(self.traffic_type).read().unwrap_or_default();
        let usage = self.usage(&mut tally);
        tally.metered(usage, Billing { terms: Terms { service, ..Terms::default() }, ..Billing::default() })
    }
}
