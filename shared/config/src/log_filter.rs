/// Error for a directive of `APP_LOG_LEVEL` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogFilterError {
    #[error("`{0}` names no module: write a level, or module=level, such as runmill_broker=debug")]
    NoTarget(String),
    #[error("`{0}` is not one of trace, debug, info, warning, error, off")]
    UnknownLevel(String),
}

/// Reads `APP_LOG_LEVEL`: directives `level` or `module=level`, separated by commas. Levels may be in any case, and
/// may have the names of Python's loggers (`warning`, `critical`).
pub(crate) fn parse(text: &str) -> Result<String, LogFilterError> {
    let directives: Result<Vec<_>, _> = text.split(',').map(|part| directive(part.trim())).collect();
    Ok(directives?.join(","))
}

fn directive(text: &str) -> Result<String, LogFilterError> {
    let Some((target, name)) = text.rsplit_once('=') else { return Ok(level(text)?.to_owned()) };
    if target.is_empty() {
        return Err(LogFilterError::NoTarget(text.to_owned()));
    }
    Ok(format!("{target}={}", level(name)?))
}

fn level(name: &str) -> Result<&'static str, LogFilterError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "trace" => "trace",
        "debug" => "debug",
        "info" => "info",
        "warn" | "warning" => "warn",
        "error" | "critical" => "error",
        "off" => "off",
        _ => return Err(LogFilterError::UnknownLevel(name.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives() {
        let table = [
            ("INFO", Ok("info")),
            ("Warning", Ok("warn")),
            ("critical", Ok("error")),
            ("info, runmill_broker=DEBUG", Ok("info,runmill_broker=debug")),
            ("loud", Err("`loud` is not one of")),
            ("info,", Err("`` is not one of")),
            ("=debug", Err("names no module")),
            ("runmill=", Err("`` is not one of")),
        ];
        for (text, want) in table {
            match (parse(text), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{text}"),
                (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{text}: {got}"),
                (got, want) => panic!("{text}: {got:?}, not {want:?}"),
            }
        }
    }
}
