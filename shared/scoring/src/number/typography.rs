//! Turns the typography of numbers into plain characters: digits of all scripts, dashes, superscripts, fractions.

/// Zeros of the scripts whose digits are in common use. Each is followed by the other nine digits.
const ZEROS: &[char] = &['٠', '۰', '०', '০', '੦', '૦', '௦', '౦', '೦', '൦', '๐', '໐', '༠', '၀', '០', '０'];

/// Space between groups of digits, whichever character wrote it.
pub(super) const GROUP_SPACE: char = '\u{a0}';

/// Returns `text` with plain characters. Superscripts become `^n`.
pub(crate) fn plain_characters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_raised = false;
    for c in text.chars() {
        if c.is_ascii() {
            plain.push(c);
            is_raised = false;
            continue;
        }
        if let Some(raised) = superscript(c) {
            if !is_raised {
                plain.push('^');
            }
            plain.push(raised);
            is_raised = true;
            continue;
        }
        is_raised = false;
        push(&mut plain, c);
    }
    plain
}

fn push(plain: &mut String, c: char) {
    if let Some(fraction) = fraction(c) {
        // A space separates it from the whole number of `2½`.
        if plain.ends_with(|c: char| c.is_ascii_digit()) {
            plain.push(' ');
        }
        plain.push_str(fraction);
        return;
    }
    match c {
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
        '\u{2007}' | '\u{2009}' | '\u{202f}' => plain.push(GROUP_SPACE),
        '‐' | '‑' | '‒' | '–' | '−' | '﹣' | '－' => plain.push('-'),
        '⁄' | '∕' | '÷' | '／' => plain.push('/'),
        '⋅' | '·' => plain.push('×'),
        '٫' => plain.push('.'),
        '٬' => plain.push(','),
        '’' => plain.push('\''),
        '！'..='～' => plain.push(halfwidth(c)),
        c => plain.push(digit(c).unwrap_or(c)),
    }
}

fn halfwidth(c: char) -> char {
    char::from_u32(c as u32 - 0xfee0).unwrap_or(c)
}

fn digit(c: char) -> Option<char> {
    let value =
        ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

const fn superscript(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        '⁻' => '-',
        '⁺' => '+',
        _ => return None,
    })
}

const fn fraction(c: char) -> Option<&'static str> {
    Some(match c {
        '½' => "1/2",
        '⅓' => "1/3",
        '⅔' => "2/3",
        '¼' => "1/4",
        '¾' => "3/4",
        '⅕' => "1/5",
        '⅖' => "2/5",
        '⅗' => "3/5",
        '⅘' => "4/5",
        '⅙' => "1/6",
        '⅚' => "5/6",
        '⅐' => "1/7",
        '⅛' => "1/8",
        '⅜' => "3/8",
        '⅝' => "5/8",
        '⅞' => "7/8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typography_becomes_plain() {
        let table = [
            ("１２", "12"),
            ("١٢", "12"),
            ("१२", "12"),
            ("10⁻⁵", "10^-5"),
            ("2½", "2 1/2"),
            ("3⁄4", "3/4"),
            ("﹣5", "-5"),
            ("1\u{202f}000", "1\u{a0}000"),
            ("abc", "abc"),
        ];
        for (text, want) in table {
            assert_eq!(plain_characters(text), want, "{text}");
        }
    }
}
