//! Forms in which texts are compared.

mod ends;
mod normal;
mod words;
mod wrapping;

pub(crate) use ends::{head, tail};
pub(crate) use normal::normalise;
pub(crate) use words::find_words;
pub(crate) use wrapping::{strip, unwrapped};

/// Returns the key of an answer. Two texts with the same key are the same answer.
pub(crate) fn key(text: &str) -> String {
    without_last_stop(normalise(strip(text)))
}

/// Takes the full stop out of the quotes at the end: it may be outside of them as well, where it is taken off.
pub(crate) fn without_last_stop(normal: String) -> String {
    match normal.strip_suffix(".\"") {
        Some(before) => format!("{before}\""),
        None => normal,
    }
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
            ("**Paris**.", "paris"),
            ("Paris**", "paris"),
            ("“Paris”", "paris"),
            ("`x_y`", "x_y"),
            ("New\n  York", "new york"),
            ("don’t", "don't"),
            ("1939–1945", "1939-1945"),
            ("ﬁne", "fine"),
            ("e\u{301}", "\u{e9}"),
            ("１２", "12"),
            ("It is \"so\".", "it is \"so\""),
            ("It is “so.”", "it is \"so\""),
            ("$18$", "18"),
            ("$18", "18"),
            ("> *Paris*.", "paris"),
            ("2. Paris", "paris"),
            ("A)", "a"),
            ("f(x)", "f(x)"),
            ("_x", "_x"),
            ("...", "..."),
        ];
        for (text, want) in table {
            assert_eq!(key(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn case_and_space_around_do_not_matter(text in "[a-zA-Z0-9 ]{0,40}") {
            prop_assert_eq!(key(&format!("  {}\n", text.to_uppercase())), key(&text));
        }
    }
}
