use serde::Serialize;

use crate::{
    behaviour::{Completion, Ending, Part},
    paced::Script,
};

/// How one protocol writes the parts of a stream, in the order in which they come.
pub(crate) trait Events {
    /// Before the first token.
    fn begin(&mut self, out: &mut Vec<u8>);
    fn open(&mut self, out: &mut Vec<u8>, part: Part);
    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str);
    fn close(&mut self, out: &mut Vec<u8>, part: Part);
    /// With what marks a whole stream.
    fn end(&mut self, out: &mut Vec<u8>);
    /// Instead of an end: an error that says so.
    fn overloaded(&mut self, out: &mut Vec<u8>);
    /// Instead of an end: an event that breaks off.
    fn malformed(&mut self, out: &mut Vec<u8>);
}

/// Writes the whole stream, with a mark after each token.
pub(crate) fn script(events: &mut impl Events, completion: &Completion<'_>, ending: Ending) -> Script {
    let mut script = Script::default();
    events.begin(&mut script.bytes);
    let mut open = None;
    for (part, token) in completion.pieces().take(ending.tokens_shown()) {
        if open != Some(part) {
            if let Some(before) = open.replace(part) {
                events.close(&mut script.bytes, before);
            }
            events.open(&mut script.bytes, part);
        }
        let begin = script.bytes.len();
        events.token(&mut script.bytes, part, token);
        if script.ends.is_empty() {
            reserve(&mut script, begin, completion);
        }
        script.mark();
    }
    match ending {
        Ending::Whole => {
            if let Some(part) = open {
                events.close(&mut script.bytes, part);
            }
            events.end(&mut script.bytes);
        }
        Ending::Cut { .. } => {}
        Ending::Overloaded { .. } => events.overloaded(&mut script.bytes),
        Ending::Malformed => events.malformed(&mut script.bytes),
    }
    script.join_last();
    script
}

/// The events of an answer's tokens are much alike, so that the first says how much room the others need. Some are
/// longer, and the end says some of it again: hence the factor.
fn reserve(script: &mut Script, begin: usize, completion: &Completion<'_>) {
    let event = script.bytes.len() - begin;
    let tokens = completion.tokens();
    script.bytes.reserve(begin + event * tokens * 5 / 4);
    script.ends.reserve(tokens);
}

pub(crate) fn push_string(bytes: &mut Vec<u8>, text: &str) {
    push_json(bytes, text);
}

/// For data that JSON has a form for: texts, numbers and structs of them.
pub(crate) fn push_json(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(bytes, value).expect("plain data serializes and a vector takes all of it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::{Model, Wish};

    /// Writes a letter for each thing.
    struct Letters;

    impl Events for Letters {
        fn begin(&mut self, out: &mut Vec<u8>) {
            out.push(b'<');
        }

        fn open(&mut self, out: &mut Vec<u8>, part: Part) {
            out.extend_from_slice(match part {
                Part::Thoughts => b"(",
                Part::Text => b"[",
                Part::Call => b"{",
            });
        }

        fn token(&mut self, out: &mut Vec<u8>, _: Part, token: &str) {
            out.extend_from_slice(token.trim().as_bytes());
        }

        fn close(&mut self, out: &mut Vec<u8>, part: Part) {
            out.extend_from_slice(match part {
                Part::Thoughts => b")",
                Part::Text => b"]",
                Part::Call => b"}",
            });
        }

        fn end(&mut self, out: &mut Vec<u8>) {
            out.push(b'>');
        }

        fn overloaded(&mut self, out: &mut Vec<u8>) {
            out.push(b'!');
        }

        fn malformed(&mut self, out: &mut Vec<u8>) {
            out.push(b'?');
        }
    }

    fn written(model: &str, prompt: &str, ending: Ending) -> (String, Vec<usize>) {
        let model: Model = model.parse().unwrap();
        let completion = model.complete(Wish { prompt, ..Wish::default() }, None);
        let script = script(&mut Letters, &completion, ending);
        (String::from_utf8(script.bytes).unwrap(), script.ends)
    }

    #[test]
    fn the_parts_come_in_order_and_the_ending_last() {
        let cut = |after_tokens| Ending::Cut { after_tokens };
        let overloaded = |after_tokens| Ending::Overloaded { after_tokens };
        let table = [
            ("echo", "a b", Ending::Whole, "<[ab]>"),
            ("echo+think=2", "a b", Ending::Whole, "<(sowe)[ab]>"),
            ("echo", "", Ending::Whole, "<>"),
            ("echo+think=2", "a b", cut(0), "<"),
            ("echo+think=2", "a b", cut(2), "<(sowe"),
            ("echo+think=2", "a b", cut(3), "<(sowe)[a"),
            ("echo", "a b", cut(9), "<[ab"),
            ("echo", "a b", overloaded(0), "<!"),
            ("echo", "a b", overloaded(1), "<[a!"),
            ("echo", "a b", Ending::Malformed, "<[a?"),
        ];
        for (model, prompt, ending, want) in table {
            assert_eq!(written(model, prompt, ending).0, want, "{model}, {ending:?}");
        }
    }

    #[test]
    fn each_token_has_a_piece_and_the_end_is_in_the_last() {
        assert_eq!(written("echo+think=1", "a b", Ending::Whole), ("<(so)[ab]>".to_owned(), vec![4, 7, 10]));
        assert_eq!(written("echo", "", Ending::Whole).1, [2], "an answer without tokens is one piece");
    }
}
