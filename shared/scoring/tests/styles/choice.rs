//! Styles in which models name a choice.

use runmill_proto::{Item, choice_label, labelled_choice};

type Style = fn(&Item, usize) -> String;

pub const STYLES: [(&str, Style); 23] = [
    ("letter", |_, c| label(c)),
    ("letter and point", |_, c| format!("{}.", label(c))),
    ("letter in brackets", |_, c| format!("({})", label(c))),
    ("Answer: letter", |_, c| format!("Answer: {}", label(c))),
    ("letter and text", |item, c| format!("{}. {}", label(c), item.choices[c])),
    ("text alone", |item, c| item.choices[c].clone()),
    ("The correct answer is in bold", |item, c| {
        format!("The correct answer is **({}) {}**.", label(c), item.choices[c])
    }),
    ("boxed", |_, c| format!("So it is $\\boxed{{{}}}$.", label(c))),
    ("boxed text", |_, c| format!("\\boxed{{\\text{{{}}}}}", label(c))),
    ("lower case", |_, c| label(c).to_lowercase()),
    ("all discussed, then therefore", |item, c| {
        format!("{}\nTherefore the best one is {}.", listed(item), label(c))
    }),
    ("thinking, then letter", |_, c| format!("<think>It might be A, or C.</think>\n\n{}", label(c))),
    ("thinking with a phrase, then answer", |_, c| {
        format!("<think>So the answer is A? No.</think>\n\nAnswer: {}", label(c))
    }),
    ("letter, then why others are wrong", |item, c| {
        format!("{}\n\n{}", label(c), others(item, c, |other| format!("{other} is wrong.")))
    }),
    ("bold, then a bullet for each other", |item, c| {
        let bullets = others(item, c, |other| format!("- {other}: this one does not fit"));
        format!("**{}. {}**\n\n{bullets}", label(c), item.choices[c])
    }),
    ("JSON", |_, c| format!(r#"{{"answer": "{}"}}"#, label(c))),
    ("JSON in a fence", |_, c| format!("```json\n{{\"answer\": \"{}\"}}\n```", label(c))),
    ("tag", |_, c| format!("<answer>{}</answer>", label(c))),
    ("Chinese", |_, c| format!("答案是{}。", label(c))),
    ("thinking with a phrase, then bold", |_, c| {
        format!("<think>the answer is A? Let me see.</think>\n\n**{}**", label(c))
    }),
    ("it should be this, not that", |item, c| {
        format!("It should be {}, not {}.", label(c), label((c + 1) % item.choices.len()))
    }),
    ("the best answer", |_, c| format!("I would say that {} is the best answer.", label(c))),
    ("verdict on each", |item, c| {
        let verdict = |n| if n == c { "correct" } else { "incorrect" };
        let lines: Vec<_> =
            (0..item.choices.len()).map(|n| format!("{}: {}", label(n), verdict(n))).collect();
        lines.join("\n")
    }),
];

fn label(choice: usize) -> String {
    choice_label(choice)
}

fn listed(item: &Item) -> String {
    let lines: Vec<_> =
        item.choices.iter().enumerate().map(|(n, text)| format!("{}. {text}", label(n))).collect();
    lines.join("\n")
}

fn others(item: &Item, chosen: usize, line: impl Fn(String) -> String) -> String {
    let others = (0..item.choices.len()).filter(|other| *other != chosen);
    others.map(|other| line(label(other))).collect::<Vec<_>>().join("\n")
}

/// Returns the right choice of an item, and another one that differs with `n`.
pub fn right_and_wrong(item: &Item, n: usize) -> (usize, usize) {
    let right = labelled_choice(&crate::data::reference(item)).unwrap();
    let count = item.choices.len();
    (right, (right + 1 + n % (count - 1)) % count)
}
