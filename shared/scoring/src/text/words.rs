/// Returns the places of `needle` in `text` at which it is whole words.
pub(crate) fn find_words(text: &str, needle: &str) -> impl Iterator<Item = usize> {
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let places = text.match_indices(needle).filter(move |(start, found)| {
        let (before, after) = (&text[..*start], &text[start + found.len()..]);
        let joins_before = inner(found.chars().next()) && inner(before.chars().next_back());
        let joins_after = inner(found.chars().next_back()) && inner(after.chars().next());
        !found.is_empty() && !joins_before && !joins_after
    });
    places.map(|(start, _)| start)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(find_words(text, needle).next().is_some(), want, "{needle} in {text}");
        }
    }
}
