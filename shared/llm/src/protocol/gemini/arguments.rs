/// Removes the white space between the tokens of `json`: buffered answers have indented arguments, streams have not.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for c in json.chars() {
        if in_text || !c.is_ascii_whitespace() {
            compact.push(c);
        }
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = c == '\\' && !escaped;
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_tokens_goes() {
        let laid_out = "{\n  \"a b\": \"c  \\\" d\\\\\",\n  \"n\": [ 1.0,\t2 ]\r\n}";
        assert_eq!(compact(laid_out), r#"{"a b":"c  \" d\\","n":[1.0,2]}"#);
    }
}
