//! Extracts the final answer from the text of an answer.

use std::sync::LazyLock;

use regex::Regex;

/// The part of an answer that holds the final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Text inside a mark such as `\boxed{…}`, or from a mark to the end of its line.
    Marked(&'a str),
    /// Last line of an answer without a mark.
    LastLine(&'a str),
}

impl<'a> Found<'a> {
    pub const fn text(self) -> &'a str {
        match self {
            Self::Marked(text) | Self::LastLine(text) => text,
        }
    }

    pub const fn marked(self) -> Option<&'a str> {
        match self {
            Self::Marked(text) => Some(text),
            Self::LastLine(_) => None,
        }
    }
}

/// Matches "answer is", "answers are" and "Answer:", with emphasis in between.
static PHRASE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\banswers?\b[*_\s]*(?:\bis\b|\bare\b|[:=：])[*_:\s]*").expect("a constant pattern")
});

/// Looks for the marks that models and datasets use, the least ambiguous first. The last mark of a kind counts, because
/// people and models correct themselves.
pub(crate) fn extract(answer: &str) -> Found<'_> {
    let marked = marked(answer).or_else(|| phrase(answer));
    marked.map_or_else(|| Found::LastLine(last_line(answer)), Found::Marked)
}

/// Returns the text in `\boxed{…}` or after `####`. Datasets use both in their references too.
pub(crate) fn marked(text: &str) -> Option<&str> {
    boxed(text).or_else(|| hashes(text))
}

fn boxed(text: &str) -> Option<&str> {
    const MARK: &str = r"\boxed{";
    let inner = &text[text.rfind(MARK)? + MARK.len()..];
    let mut depth = 1_usize;
    let end = inner.find(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    some(&inner[..end])
}

fn hashes(text: &str) -> Option<&str> {
    const MARK: &str = "####";
    some(first_line(&text[text.rfind(MARK)? + MARK.len()..]))
}

fn phrase(text: &str) -> Option<&str> {
    let mark = PHRASE.find_iter(text).last()?;
    some(first_line(&text[mark.end()..]))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// Returns the last line that has a letter or a digit. So the line that ends a code block is skipped.
fn last_line(text: &str) -> &str {
    let line = text.lines().rev().find(|line| line.chars().any(char::is_alphanumeric));
    line.unwrap_or(text).trim()
}

fn some(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_where_it_says_it_is() {
        let table = [
            (r"So $x = \boxed{\frac{1}{2}}$. Done.", r"\frac{1}{2}"),
            (r"\boxed{1} no, \boxed{2}", "2"),
            ("He has 3 left.\n#### 3\n", "3"),
            ("The answer is Paris.", "Paris."),
            ("I think the answer is: Paris", "Paris"),
            ("**Answer:** Paris", "Paris"),
            ("**Answer**: Paris", "Paris"),
            ("Final Answer:\n\nParis\nAnd more.", "Paris"),
            ("The answer is Rome. No: the answer is Paris", "Paris"),
            ("The correct answers are A and C", "A and C"),
            (r"The answer is 5. \boxed{6}", "6"),
        ];
        for (answer, want) in table {
            assert_eq!(extract(answer), Found::Marked(want), "{answer}");
        }
    }

    #[test]
    fn without_a_mark_it_is_the_last_line() {
        let table = [
            ("Let me think.\nParis.\n\n", "Paris."),
            ("```\nParis\n```", "Paris"),
            ("I cannot answer this", "I cannot answer this"),
            (r"\boxed{never closed", r"\boxed{never closed"),
            ("####", "####"),
            ("", ""),
        ];
        for (answer, want) in table {
            assert_eq!(extract(answer), Found::LastLine(want), "{answer}");
        }
    }
}
