use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    ChatMessage, ModelError, Part, Role,
    protocol::{image::ImageSource, places::Places},
};

const PLACES: Places = Places { protocol: "gemini", late_system: false, tool_images: true };

#[derive(Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<WirePart<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WirePart<'a> {
    Call(CallPart<'a>),
    Data(Payload<'a>),
}

/// A call of a function by the model. Its id is left out, because it may be another provider's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallPart<'a> {
    function_call: FunctionCall<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'static str>,
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    name: &'a str,
    args: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Payload<'a> {
    Text(&'a str),
    InlineData {
        mime_type: &'a str,
        data: &'a str,
    },
    FileData {
        file_uri: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        mime_type: Option<&'static str>,
    },
    FunctionResponse {
        name: &'a str,
        response: Response<'a>,
        /// Images of the result.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        parts: Vec<Payload<'a>>,
    },
}

/// Result of a function, which must be an object.
#[derive(Serialize)]
#[serde(untagged)]
enum Response<'a> {
    Object(&'a RawValue),
    Output { output: String },
}

/// Value that Google documents for calls whose signature is not known, such as those of another provider's model. Models
/// from Gemini 3 on refuse a turn whose first call has no signature.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Writes the conversation. The results of all calls of a turn must be in the content that follows it.
///
/// * `model`: name in the path.
pub(super) fn contents<'a>(messages: &'a [ChatMessage], model: &str) -> Result<Vec<Content<'a>>, ModelError> {
    PLACES.check(messages)?;
    let signature = is_signed(model).then_some(NO_SIGNATURE);
    let turns = messages.chunk_by(|one, next| (one.role, next.role) == (Role::Tool, Role::Tool));
    turns.map(|turn| Content::of(turn, messages, signature)).collect()
}

/// Returns true for models that want a signature with their calls: Gemini from 3 on.
fn is_signed(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("gemini-").is_some_and(|version| !version.starts_with(['1', '2']))
}

impl<'a> Content<'a> {
    pub fn system(text: &'a str) -> Self {
        Self { role: None, parts: vec![WirePart::Data(Payload::Text(text))] }
    }

    /// Writes results of tools, or a single other message of the conversation `all`.
    fn of(
        turn: &'a [ChatMessage],
        all: &'a [ChatMessage],
        signature: Option<&'static str>,
    ) -> Result<Self, ModelError> {
        let message = &turn[0];
        if message.role == Role::Tool {
            let results: Result<Vec<_>, ModelError> =
                turn.iter().map(|result| Payload::result(result, all).map(WirePart::Data)).collect();
            return Ok(Self { role: Some("user"), parts: results? });
        }
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        let has_calls = !message.tool_calls.is_empty();
        let is_left_out = |part: &&Part| has_calls && matches!(part, Part::Text(text) if text.is_empty());
        let said = message.parts.iter().filter(|part| !is_left_out(part));
        let mut parts: Vec<WirePart<'_>> = said.map(Payload::from).map(WirePart::Data).collect();
        for (number, call) in message.tool_calls.iter().enumerate() {
            let thought_signature = signature.filter(|_| number == 0);
            let function_call = FunctionCall { name: &call.name, args: PLACES.arguments(call)? };
            parts.push(WirePart::Call(CallPart { function_call, thought_signature }));
        }
        Ok(Self { role: Some(role), parts })
    }
}

impl<'a> Payload<'a> {
    fn result(message: &'a ChatMessage, all: &'a [ChatMessage]) -> Result<Self, ModelError> {
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        let mut calls = all.iter().flat_map(|message| &message.tool_calls);
        let call = calls.rfind(|call| call.id == id).ok_or_else(|| {
            PLACES
                .lacking(format_args!("a message of the role tool whose call `{id}` no earlier message has"))
        })?;
        let images = message.parts.iter().filter(|part| matches!(part, Part::Image(_))).map(Self::from);
        let images: Vec<_> = images.collect();
        if images.iter().any(|image| !matches!(image, Self::InlineData { .. })) {
            return Err(PLACES.lacking("the URL of an image in a message of the role tool; send its bytes"));
        }
        Ok(Self::FunctionResponse { name: &call.name, response: Response::of(&message.parts), parts: images })
    }
}

impl<'a> Response<'a> {
    fn of(parts: &'a [Part]) -> Self {
        let texts =
            || parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(&**text) } else { None });
        let mut single = texts();
        if let (Some(text), None) = (single.next(), single.next())
            && let Ok(value) = serde_json::from_str::<&RawValue>(text)
            && value.get().starts_with('{')
        {
            return Self::Object(value);
        }
        Self::Output { output: texts().collect::<Vec<_>>().join("\n") }
    }
}

impl<'a> From<&'a Part> for Payload<'a> {
    fn from(part: &'a Part) -> Self {
        let image = match part {
            Part::Text(text) => return Self::Text(text),
            Part::Image(image) => image,
        };
        match ImageSource::from(image) {
            ImageSource::Data { mime_type, data } => Self::InlineData { mime_type, data },
            ImageSource::Url(url) => Self::FileData { file_uri: url, mime_type: mime_type(url) },
        }
    }
}

/// Returns the media type by the path's extension, if models can read it. Vertex AI does not detect it itself.
fn mime_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        _ => return None,
    })
}
