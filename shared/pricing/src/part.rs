use std::fmt;

/// Kind of tokens that may have a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Input,
    CachedInput,
    CacheWrite,
    LongCacheWrite,
    AudioInput,
    CachedAudioInput,
    ImageInput,
    Output,
    Reasoning,
    AudioOutput,
    ImageOutput,
}

impl Part {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite,
        Self::LongCacheWrite,
        Self::AudioInput,
        Self::CachedAudioInput,
        Self::ImageInput,
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
    ];
}

/// Part of a usage for which a table has no price, so that the cost of the call is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the price table has no price for {0}")]
pub struct Unpriced(pub(crate) Charge);

/// A part of a call for which a provider charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    Tokens(Part),
    WebSearch,
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens(Part::Input) => "tokens of the prompt",
            Self::Tokens(Part::CachedInput) => "cached tokens",
            Self::Tokens(Part::CacheWrite) => "tokens written to a cache",
            Self::Tokens(Part::LongCacheWrite) => "tokens written to a cache for an hour or longer",
            Self::Tokens(Part::AudioInput) => "audio tokens of the prompt",
            Self::Tokens(Part::CachedAudioInput) => "cached audio tokens",
            Self::Tokens(Part::ImageInput) => "image tokens of the prompt",
            Self::Tokens(Part::Output) => "tokens of the answer",
            Self::Tokens(Part::Reasoning) => "reasoning tokens",
            Self::Tokens(Part::AudioOutput) => "audio tokens of the answer",
            Self::Tokens(Part::ImageOutput) => "image tokens of the answer",
            Self::WebSearch => "web searches",
        })
    }
}
