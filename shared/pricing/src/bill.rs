use runmill_proto::Usage;

use crate::{
    part::{Charge, Part, Unpriced},
    rates::{Rate, Rates},
};

/// Returns the cost of all tokens in picodollars, or the part that has no price.
///
/// If the provider counts more tokens in a part, such as the cached ones, than in the whole, the part is reduced to
/// the whole. Parts may overlap only where audio was cached: other tokens that were read from or written to a cache
/// are charged as such, whatever they stand for.
pub(crate) fn tokens(rates: &Rates, usage: &Usage) -> Result<u128, Unpriced> {
    let sum = |parts: &[(Part, u64)]| {
        parts.iter().try_fold(0_u128, |sum, (part, tokens)| Ok(sum + charge(rates, *part, *tokens)?))
    };
    Ok(sum(&prompt(usage))? + sum(&answer(usage))?)
}

/// Returns the tokens of the prompt by kind, without overlaps.
fn prompt(usage: &Usage) -> [(Part, u64); 7] {
    let mut rest = usage.prompt_tokens;
    let cached = take(&mut rest, usage.cached_tokens);
    let written = take(&mut rest, usage.cache_write_tokens);
    let cached_audio = usage.cached_audio_tokens.min(cached).min(usage.audio_input_tokens);
    let long = usage.long_cache_write_tokens.min(written);
    let audio = take(&mut rest, usage.audio_input_tokens - cached_audio);
    let image = take(&mut rest, usage.image_input_tokens);
    [
        (Part::Input, rest),
        (Part::CachedInput, cached - cached_audio),
        (Part::CachedAudioInput, cached_audio),
        (Part::CacheWrite, written - long),
        (Part::LongCacheWrite, long),
        (Part::AudioInput, audio),
        (Part::ImageInput, image),
    ]
}

/// Returns the tokens of the answer by kind, without overlaps.
fn answer(usage: &Usage) -> [(Part, u64); 4] {
    let mut rest = usage.completion_tokens;
    let reasoning = take(&mut rest, usage.reasoning_tokens);
    let audio = take(&mut rest, usage.audio_output_tokens);
    let image = take(&mut rest, usage.image_output_tokens);
    [
        (Part::Output, rest),
        (Part::Reasoning, reasoning),
        (Part::AudioOutput, audio),
        (Part::ImageOutput, image),
    ]
}

/// Takes up to `count` tokens from `rest`, and returns how many.
fn take(rest: &mut u64, count: u64) -> u64 {
    let taken = count.min(*rest);
    *rest -= taken;
    taken
}

fn charge(rates: &Rates, part: Part, tokens: u64) -> Result<u128, Unpriced> {
    if tokens == 0 {
        return Ok(0);
    }
    let rate = rate(rates, part).ok_or(Unpriced(Charge::Tokens(part)))?;
    Ok(rate.times(tokens))
}

/// Returns the price of a part. Text, images, caches and reasoning without a price of their own cost as much as the
/// prompt or answer of which they are a part, as providers that quote no other price charge them. Audio and generated images
/// always have prices of their own, and so have long-lived cache writes where short-lived ones have.
fn rate(rates: &Rates, part: Part) -> Option<Rate> {
    let whole = match part {
        Part::Input | Part::Output | Part::AudioInput | Part::AudioOutput | Part::ImageOutput => None,
        Part::LongCacheWrite => rates.get(Part::Input).filter(|_| rates.get(Part::CacheWrite).is_none()),
        Part::CachedInput | Part::CacheWrite | Part::ImageInput => rates.get(Part::Input),
        Part::CachedAudioInput => rate(rates, Part::CachedInput),
        Part::Reasoning => rates.get(Part::Output),
    };
    rates.get(part).or(whole)
}
