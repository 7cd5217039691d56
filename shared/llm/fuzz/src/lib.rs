//! What must hold of whatever bytes a server sends. The fuzz targets look for bytes of which it does not hold; the
//! tests of `runmill-llm` include this file, and ask the same of every input in the corpus.

mod answer;
mod cuts;
mod stream;

use runmill_llm::protocol::{
    Dialect, anthropic_messages::AnthropicMessages, gemini::Gemini, openai_chat::OpenAiChat,
    openai_responses::OpenAiResponses,
};

pub use answer::read_stream;

/// What a target checks of any input.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also that of its folder in the corpus.
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
