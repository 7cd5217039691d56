//! URLs of pages.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use runmill_proto::RunId;

pub const RUNS: &str = "/ui/runs";
pub const COMPARE: &str = "/ui/compare";
pub const PROVIDERS: &str = "/ui/providers";
pub const NEW_RUN: &str = "/ui/new";
pub const SIGN_IN: &str = "/ui/sign-in";
pub const SIGN_OUT: &str = "/ui/sign-out";

/// Characters that a value of a query keeps.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',');

pub fn run(id: RunId) -> String {
    format!("{RUNS}/{id}")
}

pub fn results(id: RunId) -> String {
    format!("{RUNS}/{id}/results")
}

pub fn log(id: RunId) -> String {
    format!("{RUNS}/{id}/log")
}

pub fn item(id: RunId, ordinal: u32) -> String {
    format!("{RUNS}/{id}/items/{ordinal}")
}

/// Returns `path` with a query of those values that are not empty.
pub fn with_query<T: Display>(path: &str, values: impl IntoIterator<Item = (&'static str, T)>) -> String {
    let mut url = path.to_owned();
    for (name, value) in values {
        let value = value.to_string();
        if !value.is_empty() {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(&value, VALUE));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_only_values_and_their_characters_are_escaped() {
        let url = with_query("/ui/runs", [("q", "a b&c=\"é"), ("status", ""), ("after", "1.2")]);
        assert_eq!(url, "/ui/runs?q=a%20b%26c%3D%22%C3%A9&after=1.2");
    }
}
