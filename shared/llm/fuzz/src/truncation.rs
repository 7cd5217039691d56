//! Checks of streams that end early, cleanly, as they do at a server that does not announce the length of its body.

use runmill_llm::{ChatResponse, protocol::Protocol};

use super::answer::{chosen, read_stream};

/// Maximum number of ends that are tried. Each reads the stream once more.
const ENDS_MAX: usize = 3;

/// Checks that a stream that ends early is a failure, or gives the answer of the whole stream as far as it had come when
/// its model stopped. A server may go on after a reason to stop, so more can follow.
pub fn check(protocol: &dyn Protocol, input: &[u8], whole: &ChatResponse) {
    for end in ends(input) {
        if let (Ok(cut), _) = read_stream(protocol, [&input[..end]]) {
            assert!(is_beginning(&cut, whole), "cut at {end}: {cut:?} of {whole:?}");
        }
    }
}

/// Returns places to cut: the ends of lines, where a stream may have told enough, and a place that the input chooses.
fn ends(input: &[u8]) -> impl Iterator<Item = usize> {
    let lines = input.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1);
    lines.rev().take(ENDS_MAX - 1).chain([chosen(input) % (input.len() + 1)])
}

fn is_beginning(cut: &ChatResponse, whole: &ChatResponse) -> bool {
    let texts = [
        (Some(&cut.text), Some(&whole.text)),
        (cut.reasoning.as_ref(), whole.reasoning.as_ref()),
        (cut.refusal.as_ref(), whole.refusal.as_ref()),
    ];
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    texts.into_iter().all(|(cut, whole)| text(whole).starts_with(&text(cut)))
        && cut.tool_calls.len() <= whole.tool_calls.len()
}
