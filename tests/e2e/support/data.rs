use std::fmt::Write;

/// The 1,319 items of the test set of GSM8K.
pub const GSM8K: &str = include_str!("../../data/gsm8k.jsonl");

/// Returns `count` small items, as JSONL.
pub fn questions(count: usize) -> String {
    (0..count).fold(String::new(), |mut lines, n| {
        writeln!(
            lines,
            r#"{{"id":"q{n}","type":"freeform","inputs":{{"text":"What is {n} + 1?"}},"answer":"{}"}}"#,
            n + 1
        )
        .expect("a string takes everything");
        lines
    })
}
