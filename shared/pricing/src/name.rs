/// Returns the name of a model without the date or `-latest` at its end, or the name of a fine-tuned OpenAI model
/// without its owner and id. Returns `None` if the name has none of these.
pub(crate) fn alias(name: &str) -> Option<&str> {
    fine_tuned(name)
        .or_else(|| name.strip_suffix("-latest"))
        .or_else(|| without_date(name))
        .filter(|alias| !alias.is_empty())
}

/// Returns `ft:gpt-4o-2024-08-06` for `ft:gpt-4o-2024-08-06:acme::1`, which has the same price.
fn fine_tuned(name: &str) -> Option<&str> {
    let (base, _owner) = name.strip_prefix("ft:")?.split_once(':')?;
    Some(&name[.."ft:".len() + base.len()])
}

/// Cuts a date as OpenAI writes it (`-2024-07-18`), Anthropic (`-20250929`) or Vertex (`@20250929`).
fn without_date(name: &str) -> Option<&str> {
    let cut = |len: usize, shape: fn(&[u8]) -> bool| {
        let (rest, date) = name.split_at_checked(name.len().checked_sub(len)?)?;
        shape(date.as_bytes()).then_some(rest)
    };
    cut("-yyyy-mm-dd".len(), |date| {
        date[0] == b'-' && date[5] == b'-' && date[8] == b'-' && is_day(&date[1..5], &date[6..8], &date[9..])
    })
    .or_else(|| {
        cut("-yyyymmdd".len(), |date| {
            matches!(date[0], b'-' | b'@') && is_day(&date[1..5], &date[5..7], &date[7..])
        })
    })
}

/// Returns true if these are the digits of a day of this century.
pub(crate) fn is_day(year: &[u8], month: &[u8], day: &[u8]) -> bool {
    let digits = [year, month, day].iter().all(|part| part.iter().all(u8::is_ascii_digit));
    digits && year.starts_with(b"20") && (b"01".as_slice()..=b"12").contains(&month) && {
        (b"01".as_slice()..=b"31").contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_name_is_an_alias_and_other_numbers_are_not() {
        let table = [
            ("gpt-4o-mini-2024-07-18", Some("gpt-4o-mini")),
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("claude-sonnet-4-5@20250929", Some("claude-sonnet-4-5")),
            ("mistral-small-latest", Some("mistral-small")),
            ("ft:gpt-4o-2024-08-06:acme::1", Some("ft:gpt-4o-2024-08-06")),
            ("ft:gpt-4o-2024-08-06", Some("ft:gpt-4o")),
            ("gpt-4o", None),
            ("gpt-4-0613", None),
            ("llama-3.1-12345678", None),
            ("model-2024-13-01", None),
            ("model-20240732", None),
            ("model_2024-07-18", None),
            ("modèle-2024é07é18", None),
            ("-latest", None),
            ("", None),
        ];
        for (name, want) in table {
            assert_eq!(alias(name), want, "{name}");
        }
    }
}
