//! Hints at the usual mistakes in base URLs.

use reqwest::Url;

/// Paths that the protocols add to a base URL.
const OWN_PATHS: [&str; 5] =
    ["/chat/completions", "/completions", "/responses", "/messages", ":generateContent"];

/// Returns what is probably wrong with the base URL of a server that answered with this status.
pub(crate) fn base_url_hint(base: &Url, status: u16) -> Option<String> {
    if !matches!(status, 404 | 405) {
        return None;
    }
    let path = base.path().trim_end_matches('/');
    if let Some(own) = OWN_PATHS.iter().find(|own| path.ends_with(*own)) {
        return Some(format!("the base URL must end before {own}"));
    }
    let is_complete = path.split('/').any(is_version) || path.contains("/deployments");
    (!is_complete).then(|| "the base URL has no /v1".to_owned())
}

/// Returns true for a part of a path such as `v1`, `v2.5` and `v1beta`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_a_base_url_are_told() {
        let table = [
            ("http://host/v1/chat/completions", 404, Some("the base URL must end before /chat/completions")),
            ("http://host/v1/messages/", 405, Some("the base URL must end before /messages")),
            ("http://host", 404, Some("the base URL has no /v1")),
            ("http://host/llm/", 404, Some("the base URL has no /v1")),
            ("http://host/v1", 404, None),
            ("http://host/v1beta", 404, None),
            ("http://host/api/paas/v4", 404, None),
            ("http://host/openai/deployments/m", 404, None),
            ("http://host", 400, None),
        ];
        for (base, status, want) in table {
            let hint = base_url_hint(&base.parse().unwrap(), status);
            assert_eq!(hint.as_deref(), want, "{base} {status}");
        }
    }
}
