use runmill_proto::{TokenLogprob, TopLogprob};
use serde_json::{Map, Value, json};

/// Returns `logprobs` of a choice of chat completions. The bytes of the tokens are not known: a provider's text of a
/// token that is part of a character is not its bytes.
pub(crate) fn chat(tokens: &[TokenLogprob]) -> Value {
    let top = |top: &TopLogprob| json!({ "token": top.token, "logprob": top.logprob, "bytes": null });
    let token = |it: &TokenLogprob| {
        let top: Vec<_> = it.top_logprobs.iter().map(top).collect();
        json!({ "token": it.token, "logprob": it.logprob, "bytes": null, "top_logprobs": top })
    };
    json!({ "content": tokens.iter().map(token).collect::<Vec<_>>(), "refusal": null })
}

/// Returns `logprobs` of a text of responses, which must have bytes: those of the token's text.
pub(crate) fn responses(tokens: &[TokenLogprob]) -> Value {
    let top = |top: &TopLogprob| json!({ "token": top.token, "logprob": top.logprob, "bytes": top.token.as_bytes() });
    let token = |it: &TokenLogprob| {
        let top: Vec<_> = it.top_logprobs.iter().map(top).collect();
        json!({ "token": it.token, "logprob": it.logprob, "bytes": it.token.as_bytes(), "top_logprobs": top })
    };
    tokens.iter().map(token).collect()
}

/// Returns `logprobs` of a choice of completions, whose first token begins at the character `offset` of the text.
pub(crate) fn completions(tokens: &[TokenLogprob], offset: usize) -> Value {
    let mut at = offset;
    let offsets = tokens.iter().map(|it| {
        let offset = at;
        at += it.token.chars().count();
        offset
    });
    let top = |it: &TokenLogprob| -> Map<String, Value> {
        it.top_logprobs.iter().map(|top| (top.token.clone(), json!(top.logprob))).collect()
    };
    json!({
        "text_offset": offsets.collect::<Vec<_>>(),
        "token_logprobs": tokens.iter().map(|it| it.logprob).collect::<Vec<_>>(),
        "tokens": tokens.iter().map(|it| it.token.as_str()).collect::<Vec<_>>(),
        "top_logprobs": tokens.iter().map(top).collect::<Vec<_>>(),
    })
}
