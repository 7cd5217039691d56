/// Number of UTF-8 bytes that count as one token: about right for English, and too large for code and numbers.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Number of tokens that the chat format adds to a message.
pub const TOKENS_PER_MESSAGE: u64 = 4;

/// Estimates the tokens of `text` without a tokenizer, because each model has another one.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

/// Estimates the tokens of `text` as a message of a chat.
pub fn estimate_message_tokens(text: &str) -> u64 {
    estimate_tokens(text) + TOKENS_PER_MESSAGE
}
