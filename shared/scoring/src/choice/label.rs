//! Finds labels that stand for choices: `B`, `(B)`, `B.`, `**B**`, `Option B`; but not the article in `A dog`. After
//! the 26th choice they are `AA`, `AB` and so on.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use runmill_proto::{ONE_LETTER_LABELS, labelled_choice};

use crate::negation::{Verdict, denies_next, verdict_after};

/// Characters that may be around a letter.
const AROUND: &[char] =
    &['(', ')', '[', ']', '{', '}', '<', '>', '*', '_', '`', '"', '\'', '$', ' ', '.', ':'];

/// Patterns that find labels of one width.
struct Patterns {
    /// Matches a label at the start of a text, and the text after it.
    start: Regex,
    /// Matches further labels after the first: `B or C`, `A, C`.
    more: Regex,
    /// Matches a label as a word.
    word: Regex,
    /// Matches a label in the middle of a text that cannot be a word.
    marked: Regex,
    /// Matches a label at the end of a text, where it cannot be an article.
    end: Regex,
    /// Matches a label at the end of a clause.
    end_of_clause: Regex,
}

static LETTERS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new("[A-Z]", "[A-Za-z]"));

/// Patterns for items with more choices than letters. Longer labels count only in upper case, because most words of
/// two letters would be labels otherwise.
static LONG_LABELS: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new("[A-Z]{1,3}", "(?:[A-Za-z]|[A-Z]{2,3})"));

impl Patterns {
    fn new(label: &str, label_at_start: &str) -> Self {
        let compile = |pattern: String| Regex::new(&pattern).expect("a constant pattern");
        Self {
            start: compile(format!(
                "{}{}(?<letter>{label_at_start}){}",
                r#"^[\s*_`"'$(\[{<>#\\-]*"#,
                r"(?:(?i:the|both|options?|choices?|letters?|labels?|answers?)\b[\s:(]*)*",
                r"(?<rest>(?s:[^\p{L}\p{N}'’].*)?)$",
            )),
            more: compile(format!(
                r"^[\s.)\]*]*(?:,|/|&|\bor\b|\band\b)[\s(\[*]*(?:(?:or|and)\s+)?[(\[*]*(?<letter>{label})\b"
            )),
            word: compile(format!(r"\b{label}\b")),
            marked: compile(format!(
                r"\((?<a>{label})\)|\*\*\(?(?<b>{label})\b[).:]?|\b(?i:option|choice|letter|label)\s+[(*]*(?<c>{label})\b"
            )),
            end: compile(format!(r#"(?:^|[\s*(:])(?<letter>{label})[\s.!*)"'`$]*$"#)),
            end_of_clause: compile(format!(
                r#"(?:^|[\s*(:])(?<letter>{label})[*)"'`$]*(?:[.,;!]|\s*$|\s+(?i:because|since|not|rather|but|instead|over)\b)"#
            )),
        }
    }

    /// Returns the patterns for an item with this number of choices.
    fn of(choices: usize) -> &'static Self {
        if choices > ONE_LETTER_LABELS { &LONG_LABELS } else { &LETTERS }
    }
}

/// Matches text that may follow a letter but not an article.
static AFTER_LETTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[^\w\s]|\s*$|\s*[-–—:=(]|\s*\n|\s+(?:because|since|as|is|are|and|or|due)\b)")
        .expect("a constant pattern")
});

static TEX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\\(?:text\w*|math\w+)\{([^{}]*)\}").expect("a constant pattern"));

/// Turns `\text{B}` into `B`.
pub(super) fn without_tex(text: &str) -> Cow<'_, str> {
    TEX.replace_all(text, "$1")
}

/// Matches several letters that are denied together: "A, C and D are wrong".
static DENIED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b[A-Z](?:,\s*[A-Z])*,?\s+(?:and|or)\s+[A-Z]\s+(?:are|is)\s+(?:all\s+|both\s+)?",
        r"(?:wrong|incorrect|false|not\b|out\b)[^.,;\n]*[.,;]?",
    ))
    .expect("a constant pattern")
});

/// Removes what denies several letters together.
pub(super) fn without_denied(text: &str) -> Cow<'_, str> {
    DENIED.replace_all(text, "")
}

fn index(label: &str, choices: usize) -> Option<usize> {
    labelled_choice(label).filter(|index| *index < choices)
}

/// Returns the choice whose label is the whole `text`. A label of one letter may be in either case.
pub(super) fn alone(text: &str, choices: usize) -> Option<usize> {
    either_case(text.trim().trim_matches(AROUND), choices)
}

fn either_case(label: &str, choices: usize) -> Option<usize> {
    if label.len() == 1 { index(&label.to_ascii_uppercase(), choices) } else { index(label, choices) }
}

/// A label at the start of a text.
pub(super) struct Start<'a> {
    pub choice: usize,
    pub rest: &'a str,
    /// False if the label may be a word: it is `A`, `I`, longer than a letter or in lower case, and the text after it
    /// does not exclude a word.
    pub sure: bool,
}

pub(super) fn at_start(text: &str, choices: usize) -> Option<Start<'_>> {
    let found = Patterns::of(choices).start.captures(text.trim_end())?;
    let (letter, rest) = (&found["letter"], found.name("rest").map_or("", |rest| rest.as_str()));
    let choice = either_case(letter, choices)?;
    let word = matches!(letter, "A" | "I") || letter.len() > 1 || letter.chars().all(char::is_lowercase);
    let sure = (!word || AFTER_LETTER.is_match(rest)) && !(letter == "A" && is_reply(rest));
    Some(Start { choice, rest, sure })
}

/// Returns true if the `A` before `rest` may be that of "Q:" and "A:".
fn is_reply(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    line.strip_prefix(':').is_some_and(|said| said.contains(char::is_alphanumeric))
}

/// Returns true if another letter follows the one before `rest`.
pub(super) fn goes_on(rest: &str, choices: usize) -> bool {
    Patterns::of(choices).more.captures(rest).is_some_and(|found| index(&found["letter"], choices).is_some())
}

/// Returns true if `text` lists letters anywhere: `it is B or C`.
pub(super) fn lists(text: &str, choices: usize) -> bool {
    let words = Patterns::of(choices).word.find_iter(text);
    let mut letters = words.filter(|letter| index(letter.as_str(), choices).is_some());
    letters.any(|letter| goes_on(&text[letter.end()..], choices))
}

/// Returns the choices whose letters are marked (as in `(B)`) anywhere in `text`, and not denied.
pub(super) fn marked(text: &str, choices: usize) -> super::Set {
    let letter = |found: regex::Captures<'_>| {
        let letter = ["a", "b", "c"].iter().find_map(|name| found.name(name))?;
        affirmed(text, letter, choices)
    };
    Patterns::of(choices).marked.captures_iter(text).filter_map(letter).collect()
}

pub(super) fn at_end(text: &str, choices: usize) -> Option<usize> {
    let found = Patterns::of(choices).end.captures(text)?;
    affirmed(text, found.name("letter")?, choices)
}

/// Returns the choices whose letters end a clause of a line: `B` of "It should be B, not A."
pub(super) fn at_ends_of_clauses(line: &str, choices: usize) -> super::Set {
    let letters =
        Patterns::of(choices).end_of_clause.captures_iter(line).filter_map(|found| found.name("letter"));
    letters.filter_map(|letter| affirmed(line, letter, choices)).collect()
}

fn affirmed(text: &str, letter: regex::Match<'_>, choices: usize) -> Option<usize> {
    let choice = index(letter.as_str(), choices)?;
    let is_wrong = verdict_after(&text[letter.end()..]) == Some(Verdict::Wrong);
    (!is_wrong && !denies_next(&text[..letter.start()])).then_some(choice)
}
