use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Numbers of tokens as the provider counted them. A part is never larger than its whole in a true count, but a
/// provider may report any numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Usage {
    /// Number of all tokens of the prompt, including those read from a cache.
    pub prompt_tokens: u64,
    /// Number of all tokens of the answer, including reasoning.
    pub completion_tokens: u64,
    /// Number of tokens read from a cache; part of `prompt_tokens`.
    pub cached_tokens: u64,
    /// Number of tokens written to a cache; part of `prompt_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// Number of tokens written to a cache for an hour or longer; part of `cache_write_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub long_cache_write_tokens: u64,
    /// Number of tokens of audio in the prompt; part of `prompt_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_input_tokens: u64,
    /// Number of tokens of audio read from a cache; part of `cached_tokens` and of `audio_input_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached_audio_tokens: u64,
    /// Number of tokens of images in the prompt; part of `prompt_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_input_tokens: u64,
    /// Number of tokens of the reasoning; part of `completion_tokens`.
    pub reasoning_tokens: u64,
    /// Number of tokens of audio in the answer; part of `completion_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_output_tokens: u64,
    /// Number of tokens of images in the answer; part of `completion_tokens`.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_output_tokens: u64,
    /// Number of web searches that the provider made for the answer.
    #[serde(skip_serializing_if = "is_zero")]
    pub web_searches: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    /// Returns the number of tokens of prompt and answer together. Saturates: a server may report any number.
    pub const fn total_tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// Adds with saturation: a server may report any number.
impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        let sum = u64::saturating_add;
        *self = Self {
            prompt_tokens: sum(self.prompt_tokens, other.prompt_tokens),
            completion_tokens: sum(self.completion_tokens, other.completion_tokens),
            cached_tokens: sum(self.cached_tokens, other.cached_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, other.cache_write_tokens),
            long_cache_write_tokens: sum(self.long_cache_write_tokens, other.long_cache_write_tokens),
            audio_input_tokens: sum(self.audio_input_tokens, other.audio_input_tokens),
            cached_audio_tokens: sum(self.cached_audio_tokens, other.cached_audio_tokens),
            image_input_tokens: sum(self.image_input_tokens, other.image_input_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            audio_output_tokens: sum(self.audio_output_tokens, other.audio_output_tokens),
            image_output_tokens: sum(self.image_output_tokens, other.image_output_tokens),
            web_searches: sum(self.web_searches, other.web_searches),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_cannot_be_true_stops_at_the_most_there_is() {
        let most = Usage {
            prompt_tokens: u64::MAX,
            completion_tokens: u64::MAX,
            cached_tokens: u64::MAX,
            cache_write_tokens: u64::MAX,
            long_cache_write_tokens: u64::MAX,
            audio_input_tokens: u64::MAX,
            cached_audio_tokens: u64::MAX,
            image_input_tokens: u64::MAX,
            reasoning_tokens: u64::MAX,
            audio_output_tokens: u64::MAX,
            image_output_tokens: u64::MAX,
            web_searches: u64::MAX,
        };

        let mut sum = most;
        sum += most;

        assert_eq!(sum, most);
    }
}
