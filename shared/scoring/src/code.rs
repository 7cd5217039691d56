const FENCE: &str = "```";

/// Returns the inside of the last code block of an answer. The first line of a block names its language.
pub(crate) fn last_block(answer: &str) -> Option<&str> {
    let end = answer.rfind(FENCE)?;
    let start = answer[..end].rfind(FENCE)? + FENCE.len();
    let (_, code) = answer[start..end].split_once('\n')?;
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_counts() {
        let table = [
            ("```\na\n```", Some("a\n")),
            ("Text\n```python\na\n```\nand\n```sh\nb\nc\n```\nend", Some("b\nc\n")),
            ("```a```", None),
            ("```\na", None),
            ("a", None),
        ];
        for (answer, want) in table {
            assert_eq!(last_block(answer), want, "{answer}");
        }
    }
}
