//! Tells a request that alone exceeds a rate limit from one that came too early.

/// Phrases of OpenAI, Azure and Groq for requests that no waiting lets through.
const TOO_LARGE: &[&str] = &["request too large", "must be reduced"];

/// Returns true if the message of a rate limit error, in lower case, says that the request alone is above the limit. The
/// numbers count more than the words.
pub(super) fn exceeds_limit(message: &str) -> bool {
    match (number_after(message, "limit"), number_after(message, "requested")) {
        (Some(limit), Some(requested)) => requested > limit,
        _ => TOO_LARGE.iter().any(|phrase| message.contains(phrase)),
    }
}

/// Returns the first number that directly follows `word`, as in `Limit 30000` and `limit: 30,000`.
fn number_after(message: &str, word: &str) -> Option<u64> {
    message.match_indices(word).find_map(|(place, _)| {
        let rest = message[place + word.len()..].trim_start_matches([' ', ':', '=']);
        let digits = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',');
        digits.filter(|c| *c != ',').collect::<String>().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_above_the_limit_is_told_from_one_that_comes_too_early() {
        let table = [
            (
                "request too large for gpt-4o on tokens per min (tpm): limit 30000, requested 57590. the input or \
                 output tokens must be reduced in order to run successfully.",
                true,
            ),
            ("rate limit reached for m: limit 30000, used 29000, requested 2000. try again in 2s", false),
            ("rate limit reached for m: limit: 7,000, requested: 12,903", true),
            ("request too large. limit 7000, used 6000, requested 2000", false),
            ("the input must be reduced", true),
            ("requests to the api have exceeded the call rate limit of your current pricing tier", false),
            ("limit 99999999999999999999999, requested 1", false),
            ("slow down", false),
        ];
        for (message, want) in table {
            assert_eq!(exceeds_limit(message), want, "{message}");
        }
    }
}
