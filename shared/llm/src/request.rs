use std::borrow::Cow;

use runmill_pricing::{TOKENS_PER_MESSAGE, estimate_message_tokens, estimate_tokens};
use runmill_proto::{
    Fix, Generation,
    chat::{Conversation, Message as ChatMessage, Part, Role},
};

use crate::protocol::Form;

/// A request to a model, independent of the provider's protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// Name of the model at the provider.
    pub model: String,
    pub system: Option<String>,
    pub messages: Vec<ChatMessage>,
    pub generation: Generation,
    /// Form of the first request, by what is known of the provider. It is changed where the provider refuses it.
    pub form: Form,
    /// Id by which the provider can identify the call: each request has the header `X-Client-Request-Id:
    /// {call_id}:{attempt}`, with attempts counted from 0. Visible ASCII only.
    pub call_id: String,
    /// True to leave thinking that a server sends inside of the answer's text where it is. Otherwise it becomes the
    /// answer's reasoning.
    pub keep_thinking: bool,
    /// True to refuse what changes the answer and has no place in the protocol: log probabilities, and stop texts of white
    /// space. Otherwise they are left out, and a note on the answer may say so.
    pub is_strict: bool,
    /// True to leave the provider's words out of errors, because they may repeat the prompt or the answer.
    pub hides_words: bool,
}

/// Estimated number of tokens of an answer that nothing limits.
const ANSWER_TOKENS: u64 = 256;

impl ChatRequest {
    /// Returns the request with its system prompt where `form` has it. For a model without a system role, that is
    /// before the question.
    #[must_use]
    pub fn in_form(&self, form: Form) -> Cow<'_, Self> {
        let Some(system) = self.system.as_deref().filter(|_| form.has(Fix::SystemInQuestion)) else {
            return Cow::Borrowed(self);
        };
        let mut messages = self.messages.clone();
        let place = messages.iter().position(|message| message.role == Role::User).unwrap_or(0);
        let Some(question) = messages.get_mut(place) else { return Cow::Borrowed(self) };
        match question.parts.iter_mut().find_map(text_mut) {
            Some(text) => *text = format!("{system}\n\n{text}"),
            None => question.parts.insert(0, Part::Text(system.to_owned())),
        }
        Cow::Owned(Self { system: None, messages, ..self.clone() })
    }

    /// Estimates the tokens of the prompt's texts, and adds those of the answer.
    ///
    /// * `output`: estimate of the answer's tokens. Otherwise the request's own limit counts, or a usual length.
    pub fn estimated_tokens(&self, output: Option<u64>) -> u64 {
        let system = self.system.as_deref().map_or(0, estimate_message_tokens);
        let messages: u64 = self.messages.iter().map(message_tokens).sum();
        let longest = self.generation.max_new_tokens.map(u64::from);
        let answer = output.into_iter().chain(longest).min().unwrap_or(ANSWER_TOKENS);
        system + messages + answer
    }
}

/// Returns a request of the conversation that names no model yet.
impl From<Conversation> for ChatRequest {
    fn from(Conversation { system, messages, generation }: Conversation) -> Self {
        Self { system, messages, generation, ..Self::default() }
    }
}

const fn text_mut(part: &mut Part) -> Option<&mut String> {
    match part {
        Part::Text(text) => Some(text),
        Part::Image(_) => None,
    }
}

fn message_tokens(message: &ChatMessage) -> u64 {
    let texts = message.parts.iter().map(|part| match part {
        Part::Text(text) => estimate_tokens(text),
        Part::Image(_) => 0,
    });
    let calls =
        message.tool_calls.iter().map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
    texts.chain(calls).sum::<u64>() + TOKENS_PER_MESSAGE
}

#[cfg(test)]
mod tests {
    use runmill_proto::Image;

    use super::*;

    #[test]
    fn the_answer_is_estimated_by_earlier_ones_and_never_above_its_limit() {
        let request = |max_new_tokens| {
            let generation = Generation { max_new_tokens, ..Generation::default() };
            ChatRequest { generation, ..ChatRequest::default() }
        };
        let table = [(None, None, 256), (Some(7), None, 7), (None, Some(40), 40), (Some(7), Some(40), 7)];
        for (limit, earlier, want) in table {
            assert_eq!(request(limit).estimated_tokens(earlier), want, "{limit:?} {earlier:?}");
        }
    }

    #[test]
    fn a_system_prompt_without_a_role_goes_before_the_question_and_images_keep_their_order() {
        let text = |text: &str| Part::Text(text.into());
        let image = || Part::Image(Image::Url { url: "https://host/a.png".into() });
        let table = [
            (vec![text("2+2?")], vec![text("be brief\n\n2+2?")]),
            (
                vec![image(), text("what?"), text("now")],
                vec![image(), text("be brief\n\nwhat?"), text("now")],
            ),
            (vec![image()], vec![text("be brief"), image()]),
        ];
        for (parts, want) in table {
            let messages = vec![ChatMessage::new(Role::User, parts), ChatMessage::text(Role::Assistant, "4")];
            let request = ChatRequest { system: Some("be brief".into()), messages, ..ChatRequest::default() };
            let changed = request.in_form(Form::default().with(Fix::SystemInQuestion));
            assert_eq!((&changed.system, &changed.messages[0].parts), (&None, &want));
            assert_eq!(changed.messages[1], request.messages[1]);
            assert!(matches!(request.in_form(Form::default()), Cow::Borrowed(_)));
        }
    }
}
