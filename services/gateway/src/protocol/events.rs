use serde::Serialize;

use crate::{
    behaviour::{Completion, Ending, Part},
    paced::RenderedStream,
};

/// Writes the events of a stream in one protocol. [`render`] calls the methods in the order of the stream.
pub(crate) trait Events {
    /// Writes the events before the first token.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// Writes the beginning of a part.
    fn open(&mut self, out: &mut Vec<u8>, part: Part);
    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str);
    /// Writes the end of a part.
    fn close(&mut self, out: &mut Vec<u8>, part: Part);
    /// Writes the end of the stream, with the terminator of a complete one.
    fn end(&mut self, out: &mut Vec<u8>);
    /// Writes the error of an overloaded server, in place of the end.
    fn overloaded(&mut self, out: &mut Vec<u8>);
    /// Writes an event that breaks off in the middle of its JSON, in place of the end.
    fn malformed(&mut self, out: &mut Vec<u8>);
}

/// Writes the whole stream, with one piece for each token.
pub(crate) fn render(
    events: &mut impl Events,
    completion: &Completion<'_>,
    ending: Ending,
) -> RenderedStream {
    let mut stream = RenderedStream::default();
    events.begin(&mut stream.bytes);
    let mut open = None;
    for (part, token) in completion.pieces().take(ending.tokens_shown()) {
        if open != Some(part) {
            if let Some(before) = open.replace(part) {
                events.close(&mut stream.bytes, before);
            }
            events.open(&mut stream.bytes, part);
        }
        let begin = stream.bytes.len();
        events.token(&mut stream.bytes, part, token);
        if stream.ends.is_empty() {
            reserve(&mut stream, begin, completion);
        }
        stream.end_piece();
    }
    match ending {
        Ending::Whole => {
            if let Some(part) = open {
                events.close(&mut stream.bytes, part);
            }
            events.end(&mut stream.bytes);
        }
        Ending::Cut { .. } => {}
        Ending::Overloaded { .. } => events.overloaded(&mut stream.bytes),
        Ending::Malformed => events.malformed(&mut stream.bytes),
    }
    stream.extend_last_piece();
    stream
}

/// Reserves memory for the rest of the stream. The events of tokens have almost the same length, so the first one
/// shows the size of all. Some are longer, and the end repeats some text, hence the factor of 5/4.
fn reserve(stream: &mut RenderedStream, begin: usize, completion: &Completion<'_>) {
    let event = stream.bytes.len() - begin;
    let tokens = completion.tokens();
    stream.bytes.reserve(begin + event * tokens * 5 / 4);
    stream.ends.reserve(tokens);
}

pub(crate) fn push_string(bytes: &mut Vec<u8>, text: &str) {
    push_json(bytes, text);
}

/// Writes texts, numbers and structs of them as JSON.
pub(crate) fn push_json(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(bytes, value).expect("plain data serializes and a vector takes all of it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::{CompletionParams, Model};

    /// Writes one letter for each token, and one sign for each other event.
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
        let completion = model.complete(CompletionParams { prompt, ..CompletionParams::default() }, None);
        let stream = render(&mut Letters, &completion, ending);
        (String::from_utf8(stream.bytes).unwrap(), stream.ends)
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
