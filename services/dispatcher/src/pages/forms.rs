//! Fields of forms.

/// Returns the value of a field that is not empty.
pub fn given(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}
