//! Rust source as tokens, without comments, literals and code for tests, which make no references.

/// A token: one word, `::`, or one character of punctuation.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// Returns the tokens of `source`, except those of items under `#[cfg(test)]`.
pub fn tokens(source: &str) -> Vec<Token> {
    without_tests(&all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<Token> {
    let (mut rest, mut line, mut found) = (source, 1, Vec::new());
    while !rest.is_empty() {
        let skipped = gap(rest);
        let (text, left) = rest.split_at(skipped.unwrap_or_else(|| token(rest)));
        if skipped.is_none() {
            found.push(Token { text: text.to_owned(), line });
        }
        line += text.matches('\n').count();
        rest = left;
    }
    found
}

/// Returns the length of the white space, comment or literal with which `rest` begins.
fn gap(rest: &str) -> Option<usize> {
    match rest.as_bytes() {
        [first, ..] if first.is_ascii_whitespace() => Some(1),
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(1 + until_quote(&rest[1..], '"')),
        [b'\'', ..] => character(rest),
        [b'r' | b'b' | b'c', ..] => raw_string(rest),
        _ => None,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [] => return at,
            _ => at += 1,
        }
    }
}

/// Returns the length up to and including the next `quote` that no backslash escapes.
fn until_quote(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, found) in rest.char_indices() {
        if found == quote && !escaped {
            return at + 1;
        }
        escaped = found == '\\' && !escaped;
    }
    rest.len()
}

/// Returns the length of a character literal, or `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    let (second_at, second) = chars.next()?;
    if first == '\\' {
        // The character after the backslash may itself be a quote.
        return Some(
            second_at + second.len_utf8() + until_quote(&rest[second_at + second.len_utf8()..], '\''),
        );
    }
    (second == '\'').then_some(second_at + 1)
}

fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    })?;
    let after = &rest[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    let opened = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[opened..].find(&end).map_or(rest.len(), |at| opened + at + end.len()))
}

/// Returns the length of the token with which `rest` begins.
fn token(rest: &str) -> usize {
    let word = rest.find(|found: char| !found.is_alphanumeric() && found != '_').unwrap_or(rest.len());
    if word > 0 {
        word
    } else if rest.starts_with("::") {
        2
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    }
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let (mut rest, mut kept) = (tokens, Vec::new());
    while let Some((first, left)) = rest.split_first() {
        if is_test_attribute(rest) {
            rest = &rest[item(rest)..];
        } else {
            kept.push(first.clone());
            rest = left;
        }
    }
    kept
}

fn is_test_attribute(tokens: &[Token]) -> bool {
    [["#", "[", "cfg", "(", "test", ")"].as_slice(), &["#", "[", "cfg", "(", "all", "(", "test"]]
        .into_iter()
        .any(|wanted| {
            tokens.len() >= wanted.len() && tokens.iter().zip(wanted).all(|(token, text)| token.text == *text)
        })
}

/// Returns the number of tokens, including attributes, of the item with which `tokens` begins.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(token.text.as_str(), ";" | "}") {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_no_tokens() {
        let table = [
            ("a // b\nc", vec!["a", "c"]),
            ("a /* b /* c */ d */ e", vec!["a", "e"]),
            (r#"a "b \" c" d"#, vec!["a", "d"]),
            (r##"a r#"b " c"# d"##, vec!["a", "d"]),
            (r"a '\'' b 'c' d '\\' e", vec!["a", "b", "d", "e"]),
            ("&'a b::c", vec!["&", "'", "a", "b", "::", "c"]),
        ];
        for (source, expected) in table {
            assert_eq!(texts(source), expected, "{source}");
        }
    }

    #[test]
    fn items_of_tests_are_left_out() {
        let table = [
            ("#[cfg(test)] mod tests { use a; fn b() {} } c", vec!["c"]),
            ("#[cfg(test)] mod tests; c", vec!["c"]),
            ("#[cfg(all(test, feature = \"x\"))] fn a(b: [u8; 2]) { } c", vec!["c"]),
        ];
        for (source, expected) in table {
            assert_eq!(texts(source), expected, "{source}");
        }
    }

    #[test]
    fn a_token_knows_its_line() {
        let found = tokens("a\n/* b\n */ \"c\n\" d");

        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 4]);
    }
}
