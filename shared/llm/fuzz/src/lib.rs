//! Checks that must hold for any bytes that a server sends. The fuzz targets search for bytes that break one. The
//! tests of `runmill-llm` include this file, and run the checks on every input of the corpus.

mod answer;
mod cuts;
mod stream;
mod truncation;

use runmill_llm::protocol::{
    Dialect, anthropic_messages::AnthropicMessages, gemini::Gemini, openai_chat::OpenAiChat,
    openai_responses::OpenAiResponses,
};

pub use answer::read_stream;

/// The checks of a target on one input.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in the corpus.
pub const TARGETS: &[(&str, Check)] = &[
    ("sse", sse),
    ("anthropic_messages", anthropic_messages),
    ("gemini", gemini),
    ("openai_chat", openai_chat),
    ("openai_responses", openai_responses),
];

pub fn sse(input: &[u8]) {
    stream::check(input);
}

pub fn anthropic_messages(input: &[u8]) {
    answer::check(&AnthropicMessages, input);
}

pub fn gemini(input: &[u8]) {
    answer::check(&Gemini, input);
}

pub fn openai_chat(input: &[u8]) {
    answer::check(&OpenAiChat { dialect: Dialect::COMPATIBLE }, input);
}

pub fn openai_responses(input: &[u8]) {
    answer::check(&OpenAiResponses { dialect: Dialect::OPENAI }, input);
}
