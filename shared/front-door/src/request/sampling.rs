use runmill_proto::{ConfigFault, Generation, ReasoningEffort, Stop};
use serde_json::Value;

use super::node::{Fields, Node};
use crate::Refusal;

/// Parameters of OpenAI's and of servers like it that are sent on as they are. A provider that does not know one says so.
pub(super) const PASSED: [&str; 22] = [
    "bad_words",
    "chat_template_kwargs",
    "enable_thinking",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "ignore_eos",
    "include_reasoning",
    "length_penalty",
    "logit_bias",
    "min_p",
    "min_tokens",
    "provider",
    "reasoning",
    "skip_special_tokens",
    "stop_token_ids",
    "structured_outputs",
    "thinking",
    "top_a",
    "typical_p",
    "verbosity",
];

/// Reads the parameters that all endpoints share. Each is taken from every client, also where its protocol lacks it.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Generation, Refusal> {
    let stop = match fields.get("stop") {
        Some(node) => Some(node),
        None => fields.get("stop_sequences"),
    };
    Ok(Generation {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        // vLLM's clients write -1 for no limit.
        top_k: fields
            .get("top_k")
            .filter(|node| node.value.as_f64() != Some(-1.0))
            .map(|node| node.whole())
            .transpose()?,
        presence_penalty: fields.number("presence_penalty")?,
        frequency_penalty: fields.number("frequency_penalty")?,
        repetition_penalty: fields.number("repetition_penalty")?,
        seed: fields.whole("seed")?,
        stop: stop.map(|node| stops(&node)).transpose()?.flatten(),
        ..Generation::default()
    })
}

fn stops(node: &Node<'_>) -> Result<Option<Stop>, Refusal> {
    if node.value.is_string() {
        return Ok(Some(Stop::One(node.text()?.to_owned())));
    }
    let stops: Vec<_> = node.list()?.map(|stop| stop.text().map(str::to_owned)).collect::<Result<_, _>>()?;
    Ok((!stops.is_empty()).then_some(Stop::Many(stops)))
}

/// Adds the parameters that are sent on as they are.
pub(super) fn pass(fields: &mut Fields<'_>, generation: &mut Generation) {
    for name in PASSED {
        if let Some(node) = fields.get(name)
            && !matches!(node.value, Value::Object(map) if map.is_empty())
        {
            generation.extra_body.insert(name.to_owned(), node.value.clone());
        }
    }
}

/// Reads the token limit of chat completions, which has two names. The newer one takes precedence.
pub(super) fn max_tokens(fields: &mut Fields<'_>) -> Result<Option<u32>, Refusal> {
    let older = fields.whole("max_tokens")?;
    Ok(fields.whole("max_completion_tokens")?.or(older))
}

pub(super) fn effort(node: &Node<'_>) -> Result<ReasoningEffort, Refusal> {
    const EFFORTS: &str = "'none', 'minimal', 'low', 'medium', 'high', 'xhigh' and 'max'";
    node.text()?.parse().map_err(|_| node.unsupported(EFFORTS))
}

/// Reads `logprobs` and `top_logprobs` of chat completions.
pub(super) fn logprobs(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let wanted = fields.flag("logprobs")? == Some(true);
    let top = fields.get("top_logprobs");
    let count = top.as_ref().map(Node::whole::<u8>).transpose()?;
    generation.logprobs = wanted.then_some(true);
    match (top, count) {
        (Some(node), Some(1..)) if !wanted => Err(node.fault("'top_logprobs' needs 'logprobs' to be true.")),
        (_, count) => {
            generation.top_logprobs = count.filter(|_| wanted);
            Ok(())
        }
    }
}

/// Checks the values that no provider would accept.
pub(super) fn check(generation: &Generation, max_tokens_name: &str) -> Result<(), Refusal> {
    let Some(ConfigFault { pointer, detail }) = generation.faults().into_iter().next() else { return Ok(()) };
    let name = match pointer.trim_start_matches('/') {
        "max_new_tokens" => max_tokens_name,
        name => name.strip_prefix("extra_body/").unwrap_or(name),
    };
    Err(Refusal::invalid(name, format!("Invalid '{name}': {detail}.")))
}
