use unicode_normalization::UnicodeNormalization;

/// Returns `text` in the form that is compared: compatibility forms, quotes and dashes are unified (NFKC and a few
/// more), letters are lower case, characters without width are left out, and white space is a single space.
pub(crate) fn normalise(text: &str) -> String {
    let folded = fold(text);
    let mut words = folded.split_whitespace();
    let mut normal = String::with_capacity(folded.len());
    normal.push_str(words.next().unwrap_or_default());
    for word in words {
        normal.push(' ');
        normal.push_str(word);
    }
    normal
}

fn fold(text: &str) -> String {
    // Most answers are ASCII, for which the tables of Unicode have the same result and take twenty times longer.
    if text.is_ascii() { text.to_ascii_lowercase() } else { fold_unicode(text) }
}

fn fold_unicode(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).filter(|c| !has_no_width(*c)).map(plain).collect()
}

const fn has_no_width(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

const fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‛' | '′' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        'ς' => 'σ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(text in "\\PC{0,60}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn the_short_way_for_ascii_says_the_same(text in "[\\x00-\\x7f]{0,60}") {
            prop_assert_eq!(fold(&text), fold_unicode(&text));
        }
    }
}
