//! Runs every case of the files `usage.txt` under `tests/wire`, each streamed and buffered; their README describes
//! them.

use runmill_llm::{ChatResponse, Metered};
use runmill_proto::Note;

use crate::{
    fuzz::read_stream,
    wire::{metered_text, protocols, read},
};

/// Returns a buffered answer and a stream of the text `4`, with these fields beside it.
fn answers(protocol: &str, fields: &str) -> (String, String) {
    let event = |json: String| format!("data: {json}\n\n");
    match protocol {
        "openai_chat" => {
            let choice = |part| format!(r#"{{"index":0,"{part}":{{"content":"4"}},"finish_reason":"stop"}}"#);
            let chunks =
                [format!(r#"{{"choices":[{}]}}"#, choice("delta")), format!(r#"{{"choices":[],{fields}}}"#)];
            (
                format!(r#"{{"choices":[{}],{fields}}}"#, choice("message")),
                chunks.map(event).concat() + "data: [DONE]\n\n",
            )
        }
        "openai_responses" => {
            let text =
                r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"4"}]}"#;
            let response = format!(r#"{{"status":"completed","output":[{text}],{fields}}}"#);
            let end = event(format!(r#"{{"type":"response.completed","response":{response}}}"#));
            (response, end)
        }
        "anthropic_messages" => {
            let delta =
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"4"}}"#;
            let events = [
                r#"{"type":"message_start","message":{"content":[]}}"#.to_owned(),
                delta.to_owned(),
                format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},{fields}}}"#),
                r#"{"type":"message_stop"}"#.to_owned(),
            ];
            let content = r#""content":[{"type":"text","text":"4"}],"stop_reason":"end_turn""#;
            (format!("{{{content},{fields}}}"), events.map(event).concat())
        }
        "gemini" => {
            let candidate = r#"{"content":{"parts":[{"text":"4"}]},"finishReason":"STOP"}"#;
            let answer = format!(r#"{{"candidates":[{candidate}],{fields}}}"#);
            (answer.clone(), event(answer))
        }
        other => panic!("no protocol is called {other}"),
    }
}

fn text(answer: &ChatResponse) -> String {
    let notes = answer.remarks.notes.iter();
    let notes = notes.filter(|note| [Note::UsageNotTold, Note::UsageUnreadable].contains(note));
    let notes: Vec<_> = notes.map(|note| format!(" noted {note}")).collect();
    metered_text(Metered { usage: answer.usage, billing: answer.billing }) + &notes.concat()
}

#[test]
fn what_was_counted_is_read_streamed_and_buffered() {
    for (name, protocol) in protocols() {
        for case in read(name, "usage.txt").split("=== ").skip(1) {
            let (head, fields) = case.split_once("\n\n").unwrap();
            let [title, source, want] = head.lines().collect::<Vec<_>>().try_into().unwrap();
            assert!(source.starts_with("# Source: "), "{title} names no source");
            let want = want.strip_prefix("want: ").unwrap();
            let (buffered, stream) = answers(name, fields.trim_end());

            let answer = protocol.buffered(buffered.as_bytes()).unwrap();
            assert_eq!(
                (answer.text.as_str(), text(&answer).as_str()),
                ("4", want),
                "{name}: {title}, buffered"
            );

            let (answer, _) = read_stream(&*protocol, [stream.as_bytes()]);
            assert_eq!(text(&answer.unwrap()), want, "{name}: {title}, streamed");
        }
    }
}
