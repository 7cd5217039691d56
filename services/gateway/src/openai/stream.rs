use crate::{
    behaviour::{Completion, Ending, tokens},
    paced::Script,
};

use super::completion::Answer;

/// Writes the whole stream, with a mark after each token. The chunks of one answer differ in a few bytes only, so
/// what they share is written once and copied.
pub(super) fn script(answer: &Answer<'_>, include_usage: bool, ending: Ending) -> Script {
    let frame = Frame::of(answer, include_usage);
    let Completion { text, tokens: count, finish } = &answer.completion;
    let mut script = Script { bytes: Vec::with_capacity(frame.size(*count, text.len())), ends: Vec::new() };
    frame.delta(&mut script, |bytes| bytes.extend_from_slice(br#""role":"assistant","content":"""#));
    let shown = match ending {
        Ending::Whole => usize::MAX,
        Ending::Cut { after_tokens } => after_tokens,
        Ending::Malformed => 1,
    };
    for token in tokens(text).take(shown) {
        frame.delta(&mut script, |bytes| {
            bytes.extend_from_slice(br#""content":"#);
            push_string(bytes, token);
        });
        script.mark();
    }
    match ending {
        Ending::Whole => {
            frame.finish(&mut script, finish.name());
            if include_usage {
                frame.usage(&mut script, answer);
            }
            script.bytes.extend_from_slice(DONE);
        }
        Ending::Cut { .. } => {}
        Ending::Malformed => {
            script.bytes.extend_from_slice(BROKEN);
            script.bytes.extend_from_slice(DONE);
        }
    }
    script.join_last();
    script
}

const DONE: &[u8] = b"data: [DONE]\n\n";
const BROKEN: &[u8] = b"data: {\"id\":\"chatcmpl-\",\"choices\":[{\"index\":0,\"delta\":{\"content\n\n";

/// What comes before and after the delta of every chunk.
struct Frame {
    head: Vec<u8>,
    tail: &'static [u8],
}

impl Frame {
    fn of(answer: &Answer<'_>, include_usage: bool) -> Self {
        let mut head = b"data: {\"id\":".to_vec();
        push_string(&mut head, &answer.id());
        head.extend_from_slice(br#","object":"chat.completion.chunk","created":"#);
        head.extend_from_slice(answer.created.to_string().as_bytes());
        head.extend_from_slice(br#","model":"#);
        push_string(&mut head, answer.model);
        head.extend_from_slice(br#","choices":["#);
        let tail: &[u8] = if include_usage { b"],\"usage\":null}\n\n" } else { b"]}\n\n" };
        Self { head, tail }
    }

    /// An estimate, so that the buffer seldom grows.
    fn size(&self, tokens: usize, text: usize) -> usize {
        const DELTA: usize = 80;
        (tokens + 4) * (self.head.len() + self.tail.len() + DELTA) + text
    }

    fn chunk(&self, script: &mut Script, choice: impl FnOnce(&mut Vec<u8>)) {
        script.bytes.extend_from_slice(&self.head);
        choice(&mut script.bytes);
        script.bytes.extend_from_slice(self.tail);
    }

    fn delta(&self, script: &mut Script, delta: impl FnOnce(&mut Vec<u8>)) {
        self.chunk(script, |bytes| {
            bytes.extend_from_slice(br#"{"index":0,"delta":{"#);
            delta(bytes);
            bytes.extend_from_slice(br#"},"logprobs":null,"finish_reason":null}"#);
        });
    }

    fn finish(&self, script: &mut Script, reason: &str) {
        self.chunk(script, |bytes| {
            bytes.extend_from_slice(br#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"#);
            push_string(bytes, reason);
            bytes.push(b'}');
        });
    }

    /// The last chunk has the usage and no choice.
    fn usage(&self, script: &mut Script, answer: &Answer<'_>) {
        script.bytes.extend_from_slice(&self.head);
        script.bytes.extend_from_slice(br#"],"usage":"#);
        serde_json::to_writer(&mut script.bytes, &answer.usage()).expect("a vector takes all of it");
        script.bytes.extend_from_slice(b"}\n\n");
    }
}

fn push_string(bytes: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(bytes, text).expect("a string serializes and a vector takes all of it");
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::behaviour::Model;

    fn script_of(model: &str, prompt: &str, include_usage: bool, ending: Ending) -> Script {
        let completion = model.parse::<Model>().unwrap().complete(prompt, None, None);
        let answer = Answer { model, number: 0xab, created: 7, prompt_tokens: 5, completion };
        script(&answer, include_usage, ending)
    }

    fn events(script: &Script) -> Vec<String> {
        let text = std::str::from_utf8(&script.bytes).unwrap();
        text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
    }

    #[test]
    fn a_stream_on_the_wire() {
        let events = events(&script_of("echo", "say \"hi\"", true, Ending::Whole));

        let head =
            r#"{"id":"chatcmpl-ab","object":"chat.completion.chunk","created":7,"model":"echo","choices":["#;
        let open = r#"],"usage":null}"#;
        let delta = |delta: &str| {
            format!(r#"{head}{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}{open}"#)
        };
        assert_eq!(
            events,
            [
                delta(r#"{"role":"assistant","content":""}"#),
                delta(r#"{"content":"say"}"#),
                delta(r#"{"content":" \"hi\""}"#),
                format!(r#"{head}{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop"}}{open}"#),
                format!(r#"{head}],"usage":{{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}}}"#),
                "[DONE]".to_owned(),
            ]
        );
    }

    #[test]
    fn usage_comes_only_when_asked_for() {
        let script = script_of("echo", "a", false, Ending::Whole);

        assert!(!String::from_utf8(script.bytes).unwrap().contains("usage"));
    }

    #[test]
    fn each_token_has_a_piece_and_the_end_is_in_the_last() {
        let script = script_of("lorem+tokens=9", "?", true, Ending::Whole);

        assert_eq!(script.ends.len(), 9);
        assert_eq!(script.ends.last(), Some(&script.bytes.len()));
    }

    #[test]
    fn an_answer_without_tokens_is_one_piece() {
        assert_eq!(script_of("echo", "", false, Ending::Whole).ends.len(), 1);
    }

    #[test]
    fn a_cut_stream_has_its_tokens_and_no_terminator() {
        let script = script_of("lorem", "?", true, Ending::Cut { after_tokens: 10 });

        let events = events(&script);

        assert_eq!(events.len(), 11);
        assert!(events.iter().all(|event| event.contains(r#""finish_reason":null"#)));
    }

    #[test]
    fn a_malformed_stream_has_one_event_that_is_not_json() {
        let events = events(&script_of("lorem", "?", true, Ending::Malformed));

        let broken = events.iter().filter(|event| serde_json::from_str::<Value>(event).is_err()).count();

        assert_eq!(broken, 2, "the broken one and [DONE]");
    }
}
