/// Directive that hides lapin's lines: the broker's own say the same once, with the address and the reason.
const SILENT: &str = "lapin=off";
/// Directive that shows lapin's errors to those who look for details. It still hides the warning about an unroutable
/// message, which shows the whole body.
const QUIET: &str = "lapin=error";

/// Turns levels without a module into directives for the crates whose name begins with `runmill`.
pub(crate) fn directives(filter: &str) -> String {
    let parts = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    let lapin = if parts.clone().any(is_detailed) { QUIET } else { SILENT };
    // It comes first, so that a user's directive for lapin takes precedence.
    std::iter::once(lapin.to_owned()).chain(parts.map(directive)).collect::<Vec<_>>().join(",")
}

fn is_detailed(part: &str) -> bool {
    matches!(part.to_ascii_lowercase().as_str(), "trace" | "debug")
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
            ("INFO", "lapin=off,warn,runmill=info"),
            ("debug", "lapin=error,warn,runmill=debug"),
            ("error", "lapin=off,error"),
            ("off", "lapin=off,off,lapin=off"),
            ("warn, runmill_broker=debug", "lapin=off,warn,runmill_broker=debug"),
            ("trace,lapin=info", "lapin=error,warn,runmill=trace,lapin=info"),
        ];
        for (filter, want) in table {
            assert_eq!(directives(filter), want, "{filter}");
        }
    }
}
