//! The part of an address after the question mark.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The first parameter of this name.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

/// Without its percent signs. What is then no UTF-8 is replaced: it names nothing.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        let table = [
            ("after=3&limit=9", Some("3")),
            ("limit=9&after=3", Some("3")),
            ("thereafter=9&after=%33", Some("3")),
            ("after", None),
            ("", None),
        ];
        for (query, want) in table {
            assert_eq!(parameter(query, "after").as_deref(), want, "{query}");
        }
    }
}
