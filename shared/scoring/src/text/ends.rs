/// Returns at most the last `bytes` of a text, in whole characters.
pub(crate) fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Returns at most the first `bytes` of a text, in whole characters.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stay_whole() {
        assert_eq!((tail("aäb", 2), head("aäb", 2)), ("b", "a"));
        assert_eq!((tail("aäb", 3), head("aäb", 3)), ("äb", "aä"));
        assert_eq!((tail("a", 9), head("a", 9)), ("a", "a"));
    }
}
