use std::collections::BTreeMap;

use super::hash_label::hash_label;
use crate::exit::usage;

/// Parses the values of `--header`, each as NAME=VALUE. Errors show no value, which may be secret.
pub fn parse(headers: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut parsed = BTreeMap::new();
    for (n, header) in (1..).zip(headers) {
        match header.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                parsed.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
            _ => return usage(format_args!("--header number {n} is not NAME=VALUE, with an equals sign")),
        }
    }
    Ok(parsed)
}

/// Returns a label that tells sets of headers apart and does not reveal them. `None` for no headers.
pub fn label(headers: &BTreeMap<String, String>) -> Option<String> {
    // No name or value has a line break, so no two sets have the same lines.
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!lines.is_empty()).then(|| hash_label(lines.join("\n").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(headers: &[&str]) -> BTreeMap<String, String> {
        parse(&headers.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_value_may_have_equals_signs() {
        assert_eq!(parsed(&["X-Team = a=b "]), BTreeMap::from([("x-team".into(), "a=b".into())]));
    }

    #[test]
    fn what_is_no_header_is_refused_without_its_text() {
        for wrong in ["secret", "=secret"] {
            let error = parse(&["x=1".to_owned(), wrong.to_owned()]).unwrap_err().to_string();
            assert_eq!(error, "--header number 2 is not NAME=VALUE, with an equals sign");
        }
    }

    #[test]
    fn sets_of_headers_have_labels_of_their_own() {
        let labels =
            [&["a=1"][..], &["a=2"], &["b=1"], &["a=1", "b=1"]].map(|set| label(&parsed(set)).unwrap());
        for (n, label) in labels.iter().enumerate() {
            assert!(label.len() == 6 && !labels[..n].contains(label), "{labels:?}");
        }
        assert_eq!(label(&BTreeMap::new()), None);
    }
}
