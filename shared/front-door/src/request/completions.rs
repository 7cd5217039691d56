//! `/v1/completions`. The prompt becomes the one message of a conversation, because most providers have no other form.

use runmill_proto::chat::{Conversation, Message, Role};
use serde_json::Value;

use super::{
    Asked, chat,
    node::{Fields, Node},
    sampling,
    talk::model,
};
use crate::{Endpoint, Refusal, ReplyOptions};

/// Parameters that change the answer, and cannot be translated.
pub(super) const REFUSED: [(&str, &str); 2] = [
    ("echo", "the prompt's own tokens and their log probabilities cannot be had through a chat"),
    ("suffix", "text cannot be inserted through a chat"),
];

pub(super) fn read(mut fields: Fields<'_>) -> Result<Asked, Refusal> {
    let model = model(&mut fields)?;
    for (name, reason) in REFUSED {
        fields.refuse(name, reason)?;
    }
    let n = chat::choices(&mut fields)?;
    best_of(&mut fields, n)?;

    let mut generation = sampling::read(&mut fields)?;
    generation.max_new_tokens = sampling::max_tokens(&mut fields)?;
    // Some clients send the value of chat completions here.
    if let Some(node) = fields.get("logprobs").filter(|node| node.value != &Value::Bool(false)) {
        generation.logprobs = Some(true);
        generation.top_logprobs = Some(node.whole()?).filter(|count| *count > 0);
    }
    sampling::pass(&mut fields, &mut generation);
    sampling::check(&generation, "max_tokens")?;

    let prompt = prompt(&fields.require("prompt")?)?;
    let streams = fields.flag("stream")? == Some(true);
    let reply = ReplyOptions {
        include_usage: chat::include_usage(&mut fields)?,
        logprobs: generation.wants_logprobs(),
        ..ReplyOptions::new(Endpoint::Completions, n)
    };
    fields.rest();
    let messages = vec![Message::text(Role::User, prompt)];
    let conversation = Conversation { system: None, messages, generation };
    Ok(Asked { model, conversation, streams, n, ignored: Vec::new(), reply })
}

/// Takes `best_of` where it is the number of choices.
fn best_of(fields: &mut Fields<'_>, n: u32) -> Result<(), Refusal> {
    match fields.get("best_of") {
        Some(node) if node.whole::<u32>()? != n => {
            let message = "'best_of' is not supported unless it equals 'n'.";
            Err(node.fault(message).with_code("unsupported_parameter"))
        }
        _ => Ok(()),
    }
}

fn prompt(node: &Node<'_>) -> Result<String, Refusal> {
    match node.value {
        Value::Array(prompts) if prompts.len() == 1 && prompts[0].is_string() => {
            Ok(prompts[0].as_str().unwrap_or_default().to_owned())
        }
        Value::Array(_) => {
            let message = "Invalid 'prompt': a list must have one string. Send each prompt as a request of its \
                           own, and as text: runmill has no model's tokens.";
            Err(node.fault(message).with_code("unsupported_value"))
        }
        _ => node.text().map(str::to_owned),
    }
}
