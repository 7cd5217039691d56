//! The query of a URL, and percent-encoding.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Returns the value of the first parameter `name`.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

/// Decodes percent-encoding. Bytes that are not UTF-8 become replacement characters, which match no name.
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
