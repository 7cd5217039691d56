/// Bytes of UTF-8 that count as one token: about right for English, and too many for code and numbers.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Tokens that the chat format puts around a message.
pub const TOKENS_PER_MESSAGE: u64 = 4;

/// Estimates the tokens of `text` without a tokenizer, which differs from model to model.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

/// Estimates the tokens of `text` as a message of a chat.
pub fn estimate_message_tokens(text: &str) -> u64 {
    estimate_tokens(text) + TOKENS_PER_MESSAGE
}
