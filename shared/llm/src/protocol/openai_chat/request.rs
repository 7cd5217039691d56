use std::borrow::Cow;

use runmill_proto::{Generation, Image, Stop};
use serde::Serialize;

use super::Dialect;
use crate::{
    ChatMessage, ChatRequest, Part, Role,
    protocol::{Form, without_prefix},
};

pub(super) fn body(request: &ChatRequest, dialect: Dialect, form: Form) -> Vec<u8> {
    let body = Body::new(request, dialect, form);
    serde_json::to_vec(&body).expect("texts, numbers and lists are always JSON")
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(flatten)]
    sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
    /// OpenAI pads each chunk against an observer of sizes, which costs a third of the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

#[derive(Default, Serialize)]
struct Sampling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<ContentPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, dialect: Dialect, form: Form) -> Self {
        let system =
            request.system.as_deref().map(|text| Message { role: "system", content: Content::Text(text) });
        Self {
            model: wire_name(&request.model, dialect),
            messages: system.into_iter().chain(request.messages.iter().map(Message::from)).collect(),
            sampling: Sampling::new(&request.generation, dialect),
            stream: form.stream,
            // Without `stream` the option is an error.
            stream_options: (form.stream && form.stream_options).then(|| StreamOptions {
                include_usage: true,
                include_obfuscation: (dialect == Dialect::OpenAi).then_some(false),
            }),
        }
    }
}

/// OpenAI's own models are asked for by their bare names. Elsewhere a prefix may be part of the name, but for
/// those by which LiteLLM says "any such server".
fn wire_name(model: &str, dialect: Dialect) -> &str {
    match dialect {
        Dialect::OpenAi => without_prefix(model, &["openai/"]),
        Dialect::Compatible => without_prefix(model, &["hosted_vllm/", "custom_openai/"]),
    }
}

impl<'a> Sampling<'a> {
    fn new(generation: &'a Generation, dialect: Dialect) -> Self {
        let common = Self {
            temperature: generation.temperature,
            top_p: generation.top_p,
            stop: generation.stop.as_ref(),
            presence_penalty: generation.presence_penalty,
            frequency_penalty: generation.frequency_penalty,
            seed: generation.seed,
            ..Self::default()
        };
        match dialect {
            // Its reasoning models refuse `max_tokens`; it has no `top_k` and no `repetition_penalty`, and a
            // configuration that other providers share should not fail here for having them.
            Dialect::OpenAi => Self { max_completion_tokens: generation.max_new_tokens, ..common },
            Dialect::Compatible => Self {
                max_tokens: generation.max_new_tokens,
                top_k: generation.top_k,
                repetition_penalty: generation.repetition_penalty,
                ..common
            },
        }
    }
}

impl<'a> From<&'a ChatMessage> for Message<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        // A plain text where it is one: not every server takes parts.
        let content = match &message.parts[..] {
            [Part::Text(text)] => Content::Text(text),
            parts => Content::Parts(parts.iter().map(ContentPart::from).collect()),
        };
        Self { role, content }
    }
}

impl<'a> From<&'a Part> for ContentPart<'a> {
    fn from(part: &'a Part) -> Self {
        let url = match part {
            Part::Text(text) => return Self::Text { text },
            Part::Image(Image::Url { url }) => Cow::Borrowed(url.as_str()),
            Part::Image(Image::Inline { mime_type, data, .. }) => {
                Cow::Owned(format!("data:{mime_type};base64,{data}"))
            }
        };
        Self::ImageUrl { image_url: ImageUrl { url } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request() -> ChatRequest {
        ChatRequest {
            model: "m".into(),
            messages: vec![ChatMessage::text(Role::User, "2+2?")],
            ..ChatRequest::default()
        }
    }

    fn encoded(request: &ChatRequest, dialect: Dialect, form: Form) -> Value {
        serde_json::from_slice(&body(request, dialect, form)).unwrap()
    }

    #[test]
    fn a_stream_is_asked_for_with_its_usage() {
        assert_eq!(
            encoded(&request(), Dialect::Compatible, Form::default()),
            json!({"model": "m", "messages": [{"role": "user", "content": "2+2?"}],
                   "stream": true, "stream_options": {"include_usage": true}})
        );
        assert_eq!(
            encoded(&request(), Dialect::OpenAi, Form::default())["stream_options"],
            json!({"include_usage": true, "include_obfuscation": false})
        );
    }

    #[test]
    fn the_form_is_kept_to() {
        let bare = encoded(&request(), Dialect::OpenAi, Form { stream_options: false, ..Form::default() });
        assert_eq!((&bare["stream"], bare.get("stream_options")), (&json!(true), None));

        let buffered = encoded(&request(), Dialect::OpenAi, Form { stream: false, ..Form::default() });
        assert_eq!((buffered.get("stream"), buffered.get("stream_options")), (None, None));
    }

    #[test]
    fn every_parameter_is_sent_to_who_knows_it() {
        let generation = Generation {
            temperature: Some(0.0),
            top_p: Some(0.9),
            top_k: Some(40),
            max_new_tokens: Some(64),
            stop: Some(Stop::Many(vec!["\n".into()])),
            presence_penalty: Some(0.1),
            frequency_penalty: Some(0.2),
            repetition_penalty: Some(1.1),
            seed: Some(7),
            ..Generation::default()
        };
        let request = ChatRequest { generation, ..request() };
        let common = json!({"temperature": 0.0, "top_p": 0.9, "stop": ["\n"], "presence_penalty": 0.1,
                            "frequency_penalty": 0.2, "seed": 7});
        let table = [
            (Dialect::OpenAi, json!({"max_completion_tokens": 64})),
            (Dialect::Compatible, json!({"max_tokens": 64, "top_k": 40, "repetition_penalty": 1.1})),
        ];
        for (dialect, own) in table {
            let mut sent = encoded(&request, dialect, Form::default());
            for key in ["model", "messages", "stream", "stream_options"] {
                sent.as_object_mut().unwrap().remove(key);
            }
            let mut want = common.clone();
            want.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            assert_eq!(sent, want, "{dialect:?}");
        }
    }

    #[test]
    fn images_go_as_parts_beside_the_text() {
        let parts = vec![
            Part::Text("what is this?".into()),
            Part::Image(Image::Url { url: "https://host/a.png".into() }),
            Part::Image(Image::Inline {
                mime_type: "image/png".into(),
                encoding: "base64".into(),
                data: "AAAA".into(),
            }),
        ];
        let request = ChatRequest {
            system: Some("be brief".into()),
            messages: vec![ChatMessage { role: Role::User, parts }],
            ..request()
        };
        assert_eq!(
            encoded(&request, Dialect::Compatible, Form::default())["messages"],
            json!([
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": "https://host/a.png"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ]},
            ])
        );
    }
}
