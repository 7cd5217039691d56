/// Puts bare levels into directives that only concern crates whose name begins with `runmill`.
pub(crate) fn directives(filter: &str) -> String {
    let parts = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(directive).collect::<Vec<_>>().join(",")
}

fn directive(part: &str) -> String {
    match part.to_ascii_lowercase().as_str() {
        level @ ("trace" | "debug" | "info") => format!("warn,runmill={level}"),
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_own_crates() {
        let table = [
            ("INFO", "warn,runmill=info"),
            ("error", "error"),
            ("off", "off"),
            ("warn, runmill_broker=debug", "warn,runmill_broker=debug"),
            ("trace,hyper=info", "warn,runmill=trace,hyper=info"),
        ];
        for (filter, want) in table {
            assert_eq!(directives(filter), want, "{filter}");
        }
    }
}
