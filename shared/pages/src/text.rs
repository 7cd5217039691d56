//! Text of models, files and users, which is never HTML and steers nothing around it.

use maud::{Markup, html};

/// Returns a text with every control character made visible. Line feeds and tabs stay as they are; the styles keep them.
///
/// The element around the text isolates its direction, so that right-to-left text does not reorder what follows.
pub fn shown(text: &str) -> Markup {
    html! { bdi { (marked(text)) } }
}

/// Returns a text for an attribute, such as a label: as [`shown`], without elements.
pub fn plain(text: &str) -> String {
    let word = |part| match part {
        Part::Plain(text) => text.to_owned(),
        Part::Control(char) => named(char),
    };
    Parts(text).map(word).collect()
}

/// As [`shown`], with each run of white space as one space, and cut after `most` characters.
pub fn one_line(text: &str, most: usize) -> Markup {
    shown(&cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), most))
}

/// Returns the first `most` characters of a text, with a mark if there are more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn marked(text: &str) -> Markup {
    html! {
        @for part in Parts(text) {
            @match part {
                Part::Plain(text) => (text),
                Part::Control(char) => span.control title="a control character, which is not applied" {
                    (named(char))
                },
            }
        }
    }
}

fn named(char: char) -> String {
    format!("U+{:04X}", u32::from(char))
}

enum Part<'a> {
    Plain(&'a str),
    Control(char),
}

/// Parts of a text: runs of characters that are shown as they are, and single controls.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let first = self.0.chars().next()?;
        if is_control(first) {
            self.0 = &self.0[first.len_utf8()..];
            return Some(Part::Control(first));
        }
        let (plain, rest) = self.0.split_at(self.0.find(is_control).unwrap_or(self.0.len()));
        self.0 = rest;
        Some(Part::Plain(plain))
    }
}

/// Returns true for a character that would act on a reader's screen instead of being seen: controls, those of Unicode's
/// bidirectional algorithm (UAX 9), and tags and marks without a width, which hide text.
fn is_control(char: char) -> bool {
    char.is_control() && !matches!(char, '\n' | '\t')
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(char, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_html_or_steers_the_page() {
        let hostile = "<script>x</script>\u{1b}[2J\u{202e}</textarea>&\r\n\tend";
        let shown = shown(hostile).into_string();
        for absent in ["<script", "</textarea", "\u{1b}", "\u{202e}", "\r"] {
            assert!(!shown.contains(absent), "{absent:?} in {shown}");
        }
        for present in ["&lt;script&gt;x", "U+001B", "U+202E", "&amp;", "U+000D", "\n\tend"] {
            assert!(shown.contains(present), "no {present:?} in {shown}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(plain("a\u{202e}b\u{1b}"), "aU+202EbU+001B");
        assert_eq!(cut("éé名", 3), "éé名");
        assert_eq!(cut("éé名é", 3), "éé名…");
        assert_eq!(one_line("  a\n\n b ", 9).into_string(), "<bdi>a b</bdi>");
    }
}
