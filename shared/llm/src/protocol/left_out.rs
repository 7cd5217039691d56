use runmill_proto::Generation;

use super::Protocol;
use crate::{ChatMessage, ChatRequest, Role};

/// Removes a parameter. Returns true if it was set.
type Remove = fn(&mut Generation) -> bool;

/// Parameters that only tune an answer, so that a protocol without them leaves them out.
const TUNING: [(&str, Remove); 8] = [
    ("frequency_penalty", |it| it.frequency_penalty.take().is_some()),
    ("presence_penalty", |it| it.presence_penalty.take().is_some()),
    ("reasoning_effort", |it| it.reasoning_effort.take().is_some()),
    ("repetition_penalty", |it| it.repetition_penalty.take().is_some()),
    ("seed", |it| it.seed.take().is_some()),
    ("temperature", |it| it.temperature.take().is_some()),
    ("top_k", |it| it.top_k.take().is_some()),
    ("top_p", |it| it.top_p.take().is_some()),
];

/// Returns the names of the request's parameters that have no effect on what the protocol sends, in the order of the
/// names. The encoders themselves tell: without such a parameter they write the same bytes.
pub(crate) fn left_out(protocol: &dyn Protocol, request: &ChatRequest) -> Vec<&'static str> {
    let asked = short(request);
    let sent = protocol.encode(&asked, asked.form);
    if sent.is_err() {
        return Vec::new();
    }
    let has_no_effect = |remove: Remove| {
        let mut without = asked.clone();
        remove(&mut without.generation) && protocol.encode(&without, asked.form) == sent
    };
    TUNING.into_iter().filter(|(_, remove)| has_no_effect(*remove)).map(|(name, _)| name).collect()
}

/// Returns a request with the same parameters and a short question, because a conversation may be large.
fn short(request: &ChatRequest) -> ChatRequest {
    let given = &request.generation;
    ChatRequest {
        model: request.model.clone(),
        messages: vec![ChatMessage::text(Role::User, "?")],
        generation: Generation {
            temperature: given.temperature,
            top_p: given.top_p,
            top_k: given.top_k,
            max_new_tokens: given.max_new_tokens,
            presence_penalty: given.presence_penalty,
            frequency_penalty: given.frequency_penalty,
            repetition_penalty: given.repetition_penalty,
            seed: given.seed,
            reasoning_effort: given.reasoning_effort,
            ..Generation::default()
        },
        form: request.form,
        ..ChatRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Fix, ReasoningEffort, ResponseFormat};

    use super::*;
    use crate::protocol::{
        Dialect, Form, anthropic_messages::AnthropicMessages, gemini::Gemini, openai_chat::OpenAiChat,
        openai_responses::OpenAiResponses,
    };

    fn tuned(model: &str, reasoning_effort: Option<ReasoningEffort>) -> ChatRequest {
        let generation = Generation {
            temperature: Some(0.0),
            top_p: Some(0.9),
            top_k: Some(40),
            presence_penalty: Some(0.1),
            frequency_penalty: Some(0.2),
            repetition_penalty: Some(1.1),
            seed: Some(7),
            reasoning_effort,
            ..Generation::default()
        };
        ChatRequest { model: model.into(), generation, ..ChatRequest::default() }
    }

    const PENALTIES_AND_SEED: [&str; 4] =
        ["frequency_penalty", "presence_penalty", "repetition_penalty", "seed"];

    #[test]
    fn each_protocol_names_what_it_leaves_out() {
        let low = Some(ReasoningEffort::Low);
        let sampling = ["temperature", "top_k", "top_p"];
        let chat = |dialect| Box::new(OpenAiChat { dialect });
        let responses = Box::new(OpenAiResponses { dialect: Dialect::OPENAI });
        let all_sampling = [&PENALTIES_AND_SEED[..], &sampling[..]].concat();
        let table: [(Box<dyn Protocol>, _, _, Vec<&str>); 7] = [
            (Box::new(AnthropicMessages), "claude-haiku-4-5", None, PENALTIES_AND_SEED.to_vec()),
            (Box::new(AnthropicMessages), "claude-haiku-4-5", low, all_sampling.clone()),
            (Box::new(AnthropicMessages), "claude-opus-4-7", None, all_sampling),
            (Box::new(Gemini), "gemini-2.5-flash", low, vec!["repetition_penalty"]),
            (responses, "o3", low, [&PENALTIES_AND_SEED[..], &["top_k"]].concat()),
            (chat(Dialect::OPENAI), "gpt-4o", low, vec!["repetition_penalty", "top_k"]),
            (chat(Dialect::COMPATIBLE), "qwen", low, vec![]),
        ];
        for (protocol, model, effort, want) in table {
            assert_eq!(left_out(&*protocol, &tuned(model, effort)), want, "{model} with {effort:?}");
        }
    }

    #[test]
    fn nothing_is_left_out_of_a_request_that_asks_for_nothing_or_cannot_be_sent() {
        let plain = ChatRequest { model: "claude-haiku-4-5".into(), ..ChatRequest::default() };
        assert!(left_out(&AnthropicMessages, &plain).is_empty());
        let mut short = tuned("claude-haiku-4-5", Some(ReasoningEffort::High));
        short.generation.max_new_tokens = Some(8);
        assert!(left_out(&AnthropicMessages, &short).is_empty());
    }

    #[test]
    fn the_rest_of_a_request_and_its_form_do_not_hide_a_parameter() {
        let mut request = tuned("claude-haiku-4-5", None);
        request.generation.response_format = Some(ResponseFormat::JsonObject);
        request.form = Form::default().with(Fix::Buffered);
        assert_eq!(left_out(&AnthropicMessages, &request), PENALTIES_AND_SEED);
    }
}
