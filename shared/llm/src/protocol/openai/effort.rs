use runmill_proto::ReasoningEffort;

/// Returns the word for an effort. `max` is `xhigh`, the highest that OpenAI's protocols have; a server with another word
/// gets it by `extra_body`.
pub(in crate::protocol) const fn effort_word(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::Max => ReasoningEffort::XHigh.as_str(),
        other => other.as_str(),
    }
}
