//! Files that an option of the command line names.

use std::path::Path;

use serde_json::{Map, Value};

use crate::exit::{UsageError, usage};

/// Reads the text of a file.
///
/// * `option`: name of the option, for errors.
pub fn text(option: &str, path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| UsageError::new(format_args!("{option} {}: {error}", path.display())))?;
    if text.trim().is_empty() {
        return usage(format_args!("{option} {}: the file is empty", path.display()));
    }
    // Editors end the last line, which is no part of a prompt.
    let without =
        text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(without.to_owned())
}

/// Reads the value of `--config`: a JSON object, or the name of a file that has one.
pub fn config(value: &str) -> anyhow::Result<Map<String, Value>> {
    let (name, json) = if value.trim_start().starts_with('{') {
        ("--config".to_owned(), value.to_owned())
    } else {
        (format!("--config {value}"), text("--config", Path::new(value))?)
    };
    let object = serde_json::from_str(&json);
    Ok(object.map_err(|error| UsageError::new(format_args!("{name} is not a JSON object: {error}")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_given_as_json_or_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        std::fs::write(&path, "{\"samples\": 3}\n").unwrap();
        let path = path.to_str().unwrap();
        for value in ["{\"samples\": 3}", path] {
            assert_eq!(config(value).unwrap()["samples"], 3);
        }
        std::fs::write(path, "[1]").unwrap();
        let fault = config(path).unwrap_err().to_string();
        assert!(fault.starts_with(&format!("--config {path} is not a JSON object: ")), "{fault}");
        assert!(config("absent.json").unwrap_err().to_string().starts_with("--config absent.json: "));
        assert!(config("{1}").unwrap_err().to_string().starts_with("--config is not a JSON object: "));
    }

    #[test]
    fn a_prompt_is_the_text_of_its_file_without_the_end_of_its_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompt.txt");
        for (written, want) in [("{{ text }}\n", "{{ text }}"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("a", "a")]
        {
            std::fs::write(&path, written).unwrap();
            assert_eq!(text("--prompt", &path).unwrap(), want);
        }
        std::fs::write(&path, " \n").unwrap();
        let fault = text("--prompt", &path).unwrap_err().to_string();
        assert!(fault.starts_with("--prompt ") && fault.ends_with("the file is empty"), "{fault}");
    }
}
