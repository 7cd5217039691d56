use runmill_proto::{Generation, Image};

/// What a model is asked, in no provider's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// As the provider names it.
    pub model: String,
    pub system: Option<String>,
    pub messages: Vec<ChatMessage>,
    pub generation: Generation,
    /// Names this call to the provider: each request carries `X-Client-Request-Id: {call_id}:{attempt}`,
    /// with attempts counted from 0. Visible ASCII only.
    pub call_id: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChatMessage {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    Image(Image),
}

impl ChatMessage {
    /// A message of text alone.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }
}
