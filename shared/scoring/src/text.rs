use unicode_normalization::UnicodeNormalization;

/// Characters around an answer that are not part of it: quotes, and the markup of Markdown and TeX.
const AROUND: &[char] = &['*', '_', '`', '"', '\'', '“', '”', '‘', '’', '«', '»', '$'];

/// Returns `text` in the form that is compared: compatibility forms, quotes and dashes are unified (NFKC and a few more),
/// letters are lower case, and white space is a single space.
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
    text.nfkc().flat_map(char::to_lowercase).map(plain).collect()
}

fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‛' | '′' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        c => c,
    }
}

/// Removes white space, quotes and emphasis around an answer, a full stop at its end, and the mark of a list or quotation at
/// its start.
pub(crate) fn strip(text: &str) -> &str {
    let mut now = text;
    loop {
        let next = now.trim().trim_matches(AROUND).trim_end_matches(['.', '。']);
        let next = ["- ", "> ", "# "].iter().fold(next, |text, mark| text.strip_prefix(mark).unwrap_or(text));
        if next.len() == now.len() {
            return now;
        }
        now = next;
    }
}

/// Returns the key of an answer. Two texts with the same key are the same answer.
pub(crate) fn key(text: &str) -> String {
    normalise(strip(text))
}

/// Returns true if `text` contains `needle` as whole words.
pub(crate) fn has_words(text: &str, needle: &str) -> bool {
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(needle).any(|(start, found)| {
        let (before, after) = (&text[..start], &text[start + found.len()..]);
        let joins_before = inner(found.chars().next()) && inner(before.chars().next_back());
        let joins_after = inner(found.chars().next_back()) && inner(after.chars().next());
        !found.is_empty() && !joins_before && !joins_after
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        let table = [
            ("  Paris ", "paris"),
            ("**Paris.**", "paris"),
            ("“Paris”", "paris"),
            ("`x_y`", "x_y"),
            ("New\n  York", "new york"),
            ("don’t", "don't"),
            ("1939–1945", "1939-1945"),
            ("ﬁne", "fine"),
            ("e\u{301}", "\u{e9}"),
            ("１２", "12"),
            ("$18$", "18"),
            ("> *Paris*.", "paris"),
        ];
        for (text, want) in table {
            assert_eq!(key(text), want, "{text}");
        }
    }

    #[test]
    fn words_are_found_whole() {
        let table = [
            ("it is 10 then", "10", true),
            ("it is 100 then", "10", false),
            ("art, heart", "art", true),
            ("heart", "art", false),
            ("c++ it is", "c++", true),
            ("anything", "", false),
        ];
        for (text, needle, want) in table {
            assert_eq!(has_words(text, needle), want, "{needle} in {text}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,60}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn case_and_space_around_do_not_matter(text in "[a-zA-Z0-9 ]{0,40}") {
            prop_assert_eq!(key(&format!("  {}\n", text.to_uppercase())), key(&text));
        }
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_for_ascii_says_the_same(text in "[\\x00-\\x7f]{0,60}") {
            proptest::prop_assert_eq!(fold(&text), fold_unicode(&text));
        }
    }
}
