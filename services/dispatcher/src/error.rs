use std::fmt::Display;

use runmill_proto::ConfigFault;
use runmill_store::StoreError;

/// Reason why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// The request has values that are not allowed. There is one fault for each.
    #[error("{} fields of the request are wrong", .0.len())]
    Invalid(Vec<ConfigFault>),
    /// The token may not do this. The text says which may.
    #[error("{0}")]
    Forbidden(String),
    /// A part of the installation is missing. The text says which, and what to set.
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UseCaseError {
    /// Returns an error if there is a fault.
    pub fn if_any(faults: Vec<ConfigFault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::Invalid(faults)) }
    }
}

/// Makes a fault of the value at `pointer`, a JSON pointer into the request's body.
pub fn fault(pointer: impl Into<String>, detail: impl Display) -> ConfigFault {
    ConfigFault { pointer: pointer.into(), detail: detail.to_string() }
}

/// Largest number of characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// Returns a fault if `name` cannot be read where names are shown, or is too long.
pub fn name_fault(pointer: &str, name: &str) -> Option<ConfigFault> {
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return Some(fault(pointer, format_args!("must have from 1 to {NAME_CHARS_MAX} characters")));
    }
    if name.trim().is_empty() {
        return Some(fault(pointer, "must not be blank"));
    }
    let is_unreadable = |char: char| {
        // The last ones turn the direction of the text around them, or replace bytes that are no text.
        char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffd}')
    };
    let found = name.chars().find(|char| is_unreadable(*char))?;
    Some(fault(pointer, format_args!("must not have the character U+{:04X}", u32::from(found))))
}

/// Returns a fault if `model` is blank.
pub fn model_fault(model: &str) -> Option<ConfigFault> {
    model.trim().is_empty().then(|| fault("/model", "is required: name a model of the provider"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_readable_text_of_a_bounded_length() {
        let long = "é".repeat(NAME_CHARS_MAX);
        for name in ["a", " é 名 ", "a\u{200d}b", &long] {
            assert_eq!(name_fault("/name", name), None, "{name:?}");
        }
        let table = [
            ("", "from 1 to 200 characters"),
            (&format!("{long}a"), "from 1 to 200 characters"),
            (" \u{a0}\u{2003}", "blank"),
            ("a\nb", "U+000A"),
            ("a\u{202e}b", "U+202E"),
            ("\u{fffd}", "U+FFFD"),
        ];
        for (name, want) in table {
            let fault = name_fault("/name", name).unwrap();
            assert!(fault.detail.contains(want), "{name:?}: {fault}");
        }
    }
}
