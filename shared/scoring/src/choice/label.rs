//! Finds letters that stand for choices: `B`, `(B)`, `B.`, `**B**`, `Option B`; but not the article in `A dog`.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Characters that may be around a letter.
const AROUND: &[char] =
    &['(', ')', '[', ']', '{', '}', '<', '>', '*', '_', '`', '"', '\'', '$', ' ', '.', ':'];

/// Matches a letter at the start of a text, and the text after it.
static START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"^[\s*_`"'$(\[{<>#-]*"#,
        r"(?:(?i:the|both|options?|choices?|letters?|answers?)\b[\s:(]*)*",
        r"(?<letter>[A-Za-z])(?<rest>(?s:[^\p{L}\p{N}'’].*)?)$",
    ))
    .expect("a constant pattern")
});

/// Matches text that may follow a letter but not an article.
static AFTER_LETTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[^\w\s]|\s*$|\s*[-–—:=(]|\s*\n|\s+(?:because|since|as|is|are|and|or|due)\b)")
        .expect("a constant pattern")
});

/// Matches further letters after the first: `B or C`, `A, C`.
static MORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\s.)\]*]*(?:,|/|&|\bor\b|\band\b)[\s(\[*]*(?:(?:or|and)\s+)?[(\[*]*(?<letter>[A-Z])\b")
        .expect("a constant pattern")
});

static LETTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[A-Z]\b").expect("a constant pattern"));

/// Matches a letter in the middle of a text that cannot be a word.
static MARKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\((?<a>[A-Z])\)|\*\*\(?(?<b>[A-Z])\b[).:]?|\b(?i:option|choice|letter)\s+[(*]*(?<c>[A-Z])\b")
        .expect("a constant pattern")
});

/// Matches a letter at the end of a text, where it cannot be an article.
static END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s*(:])(?<letter>[A-Z])[\s.!*)"'`$]*$"#).expect("a constant pattern")
});

static TEX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}").expect("a constant pattern"));

/// Turns `\text{B}` into `B`.
pub(super) fn without_tex(text: &str) -> Cow<'_, str> {
    TEX.replace_all(text, "$1")
}

pub(super) fn letter(choice: usize) -> &'static str {
    LETTERS.get(choice..=choice).unwrap_or("?")
}

fn index(letter: &str, choices: usize) -> Option<usize> {
    LETTERS.find(&letter.to_ascii_uppercase()).filter(|index| *index < choices)
}

/// Returns the choice whose letter, in either case, is the whole `text`.
pub(super) fn alone(text: &str, choices: usize) -> Option<usize> {
    let letter = text.trim().trim_matches(AROUND);
    if letter.len() == 1 { index(letter, choices) } else { None }
}

/// A letter at the start of a text.
pub(super) struct Start<'a> {
    pub choice: usize,
    pub rest: &'a str,
    /// False if the letter may be a word: it is `A`, `I` or in lower case, and the text after it does not exclude a
    /// word.
    pub sure: bool,
}

pub(super) fn at_start(text: &str, choices: usize) -> Option<Start<'_>> {
    let found = START.captures(text.trim_end())?;
    let (letter, rest) = (&found["letter"], found.name("rest").map_or("", |rest| rest.as_str()));
    let choice = index(letter, choices)?;
    let word = matches!(letter, "A" | "I") || letter.chars().all(char::is_lowercase);
    Some(Start { choice, rest, sure: !word || AFTER_LETTER.is_match(rest) })
}

/// Returns true if another letter follows the one before `rest`.
pub(super) fn goes_on(rest: &str, choices: usize) -> bool {
    MORE.captures(rest).is_some_and(|found| index(&found["letter"], choices).is_some())
}

/// Returns true if `text` lists letters anywhere: `it is B or C`.
pub(super) fn lists(text: &str, choices: usize) -> bool {
    let mut letters = LETTER.find_iter(text).filter(|letter| index(letter.as_str(), choices).is_some());
    letters.any(|letter| goes_on(&text[letter.end()..], choices))
}

/// Returns the choices whose letters are marked (as in `(B)`) anywhere in `text`.
pub(super) fn marked(text: &str, choices: usize) -> super::Set {
    let letter = |found: regex::Captures<'_>| {
        let letter = ["a", "b", "c"].iter().find_map(|name| found.name(name));
        letter.and_then(|letter| index(letter.as_str(), choices))
    };
    MARKED.captures_iter(text).filter_map(letter).collect()
}

pub(super) fn at_end(text: &str, choices: usize) -> Option<usize> {
    END.captures(text).and_then(|found| index(&found["letter"], choices))
}
