/// Returns a text of a model or a file as a terminal may show it: what would steer the terminal, or turn the direction of
/// what follows, is written as an escape.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, char| {
        match char {
            '\n' | '\t' => shown.push(char),
            '\r' => {}
            char if char.is_control() || is_bidi_control(char) => shown.extend(char.escape_unicode()),
            char => shown.push(char),
        }
        shown
    })
}

/// As [`plain`], with each run of white space as one space.
pub fn one_line(text: &str) -> String {
    plain(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Controls of Unicode's bidirectional algorithm (UAX 9).
const fn is_bidi_control(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\r\n\td"), "a\\u{1b}[2Jb\\u{202e}c\n\td");
        assert_eq!(one_line("  a\n\n b\u{7} "), "a b\\u{7}");
        assert_eq!(plain("é 名 🙂"), "é 名 🙂");
    }
}
