//! Hears whether an answer affirms or denies what it mentions.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::tail;

/// Largest distance of a denial from what it denies.
const NEAR_BYTES: usize = 80;

/// Matches a denial that ends right before what it denies.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)(?:\b(?:not|never|nor|neither|cannot|instead\s+of|rather\s+than|except|unlike|rejects?|excludes?|excluding",
        r"|eliminates?|eliminated|rules?\s+out|ruled\s+out)\b|n['’]t\b|\bdont\b|≠)",
        r"(?:\s+(?:be|been|only|it|is|the|an?|to|choose|pick|select",
        r"|say|think|go|with|for|answer|option|choice|letter|label|correct|true))*",
        r#"[\s"'“‘`*_(\[$:]*$"#,
    ))
});

/// Matches a verdict that follows what it is about.
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    let verb = r"(?:is|are|was|were|looks?|seems?|would\s+be|must\s+be)\s+";
    let adverb = r"(?:also\s+|clearly\s+|simply\s+|just\s+)?";
    let no = r"not\s+(?:correct|right|true)\b|wrong\b|incorrect\b|false\b|untrue\b|no\b|❌|✗|✘|✖|🚫";
    let yes = r"(?:(?:the|my)\s+)?(?:correct|right|true|yes|best)\b|✅|✓|✔|☑";
    let denied = format!(
        r"{verb}{adverb}(?:not|out|eliminated)\b|(?:is|are|was|does|do|can)n['’]t\b|can\s?not\s+be\b"
    );
    constant(&format!(
        r#"(?i)^[\s"'”’`*_)\].$:–—-]*(?:(?<denied>{denied})|(?:{verb})?{adverb}(?:(?<no>{no})|(?<yes>{yes})))"#
    ))
});

/// Matches a verdict at the end of a line.
static AT_END: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)(?:[-–—:(=→|]|\s{2,})[\s*_]*(?:(?<no>not\s+(?:correct|right|true)|wrong|incorrect|false|no)",
        r"|(?<yes>correct|right|true|yes))[\s*_.!)]*$|(?<cross>❌|✗|✘|✖|🚫)[\s*_.]*$|(?<tick>✅|✓|✔|☑)[\s*_.]*$",
    ))
});

/// Matches a verdict before what it is about.
static AT_START: LazyLock<Regex> =
    LazyLock::new(|| constant(r"^[\s*_>-]*(?:(?<no>❌|✗|✘|✖|🚫|\[ \])|(?<yes>✅|✓|✔|☑|\[[xX]\]))\s*"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
}

/// Returns true if the text denies what comes next: "not", "rather than".
pub(crate) fn denies_next(before: &str) -> bool {
    BEFORE.is_match(tail(before, NEAR_BYTES))
}

/// Returns the verdict on what stands before `after`: " is wrong", ": correct".
pub(crate) fn verdict_after(after: &str) -> Option<Verdict> {
    let found = AFTER.captures(after)?;
    Some(if found.name("yes").is_some() { Verdict::Right } else { Verdict::Wrong })
}

/// Returns the verdict of a line that begins with what it is about: "B. Rome - yes".
pub(crate) fn verdict_of_line(line: &str) -> Option<Verdict> {
    let of = |pattern: &Regex, yes: &[&str]| {
        let found = pattern.captures(line)?;
        let is_yes = yes.iter().any(|name| found.name(name).is_some());
        Some(if is_yes { Verdict::Right } else { Verdict::Wrong })
    };
    of(&AT_START, &["yes"]).or_else(|| of(&AT_END, &["yes", "tick"]))
}

/// Returns a line without the sign before it.
pub(crate) fn without_sign(line: &str) -> &str {
    AT_START.find(line).map_or(line, |found| &line[found.end()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_heard() {
        for text in
            ["It isn't ", "Definitely not ", "It cannot be ", "B, not option (", "rather than ", "neither "]
        {
            assert!(denies_next(text), "{text}");
        }
        for text in ["It is ", "I know that it is ", "not Rome but ", "It is not hard: ", ""] {
            assert!(!denies_next(text), "{text}");
        }
    }

    #[test]
    fn verdicts_are_heard() {
        let table = [
            (" is wrong.", Some(Verdict::Wrong)),
            (": correct", Some(Verdict::Right)),
            (") incorrect", Some(Verdict::Wrong)),
            (" isn't it", Some(Verdict::Wrong)),
            (" is not", Some(Verdict::Wrong)),
            (" is the best", Some(Verdict::Right)),
            (" is in France", None),
            ("", None),
        ];
        for (after, want) in table {
            assert_eq!(verdict_after(after), want, "{after}");
        }
        let lines = [
            ("B. Rome - yes", Some(Verdict::Right)),
            ("A. Paris - no", Some(Verdict::Wrong)),
            ("❌ A. Paris", Some(Verdict::Wrong)),
            ("B. Rome ✅", Some(Verdict::Right)),
            ("B. Rome", None),
        ];
        for (line, want) in lines {
            assert_eq!(verdict_of_line(line), want, "{line}");
        }
    }
}
