//! Turns the TeX around numbers into plain text.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use super::typography::GROUP_SPACE;

/// Matches `\frac{a}{b}` and `\frac12`, and a digit before it.
static FRACTION: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?<before>\d?)\s*\\[cdt]?frac\s*(?:\{\s*(?<over>[-+]?\s*\d+)\s*\}|(?<one>\d))",
        r"\s*(?:\{\s*(?<under>\d+)\s*\}|(?<other>\d))",
    ))
});

/// Matches commands that only set the font of their argument.
static FONT: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"\\(?:text\w*|math(?:rm|bf|sf|it|tt|normal)|mbox|operatorname)\s*\{([^{}]*)\}")
});

static POWER: LazyLock<Regex> = LazyLock::new(|| constant(r"\^\s*\{\s*([^{}]*?)\s*\}"));

/// Matches a separator of groups, between the last digit of one and the three digits of the next.
static GROUP: LazyLock<Regex> = LazyLock::new(|| constant(r"(\d)(?:\\[,;:! ]|~|\{\\[,;:! ]\})(\d)"));

const COMMANDS: &[(&str, &str)] = &[
    (r"\%", "%"),
    (r"\$", "$"),
    ("{,}", ","),
    ("{.}", "."),
    (r"\times", "×"),
    (r"\cdot", "×"),
    (r"\div", "/"),
    (r"\approx", "≈"),
    (r"\Rightarrow", "→"),
    (r"\implies", "→"),
    (r"\rightarrow", "→"),
    (r"\to", "→"),
    (r"\left", ""),
    (r"\right", ""),
    (r"^\circ", " "),
    (r"\sqrt", "√"),
    (r"\quad", " "),
    (r"\(", " "),
    (r"\)", " "),
    (r"\[", " "),
    (r"\]", " "),
];

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

pub(super) fn without_tex(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '~', '{']) {
        return Cow::Borrowed(text);
    }
    let text = FONT.replace_all(text, " $1 ");
    let text = FRACTION.replace_all(&text, fraction);
    let text = POWER.replace_all(&text, "^$1");
    let grouped = format!("${{1}}{GROUP_SPACE}${{2}}");
    let mut text = GROUP.replace_all(&text, grouped.as_str()).into_owned();
    for (command, plain) in COMMANDS {
        if text.contains(command) {
            text = text.replace(command, plain);
        }
    }
    Cow::Owned(text)
}

/// Returns a fraction as `a/b`, with a space that separates it from a number before it.
fn fraction(found: &Captures<'_>) -> String {
    let part = |a, b| found.name(a).or_else(|| found.name(b)).map_or("", |part| part.as_str());
    let before = &found["before"];
    let space = if before.is_empty() { "" } else { " " };
    format!("{before}{space}{}/{}", part("over", "one").replace(' ', ""), part("under", "other"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tex_becomes_plain() {
        let table = [
            (r"\frac{-1}{2}", "-1/2"),
            (r"2\tfrac12", "2 1/2"),
            (r"\cfrac{3}{4}", "3/4"),
            (r"10^{-3}", "10^-3"),
            (r"18\text{ dollars}", "18  dollars "),
            (r"1~234~567", "1\u{a0}234\u{a0}567"),
            (r"1\,000", "1\u{a0}000"),
            ("18", "18"),
        ];
        for (text, want) in table {
            assert_eq!(without_tex(text), want, "{text}");
        }
    }
}
