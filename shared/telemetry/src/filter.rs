/// Directive that hides lapin's warning about an unroutable message, which shows the whole body.
const QUIET: &str = "lapin=error";

/// Turns levels without a module into directives for the crates whose name begins with `runmill`.
pub(crate) fn directives(filter: &str) -> String {
    let parts = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    // It comes first, so that a user's directive for lapin takes precedence.
    std::iter::once(QUIET.to_owned()).chain(parts.map(directive)).collect::<Vec<_>>().join(",")
}

fn directive(part: &str) -> String {
    match part.to_ascii_lowercase().as_str() {
        "off" => "off,lapin=off".to_owned(),
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
            ("INFO", "lapin=error,warn,runmill=info"),
            ("error", "lapin=error,error"),
            ("off", "lapin=error,off,lapin=off"),
            ("warn, runmill_broker=debug", "lapin=error,warn,runmill_broker=debug"),
            ("trace,lapin=info", "lapin=error,warn,runmill=trace,lapin=info"),
        ];
        for (filter, want) in table {
            assert_eq!(directives(filter), want, "{filter}");
        }
    }
}
