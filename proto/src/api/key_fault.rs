use super::NewApiKey;

/// Error for a text that is no API key. The text of the error does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("is required")]
    Empty,
    #[error("must have no quotes around it")]
    Quoted,
    #[error("must have only visible ASCII characters, and no spaces")]
    Invisible,
}

impl NewApiKey {
    /// Checks a key's value. Providers' keys have only visible ASCII characters; any other one, and quotes around the
    /// key, come from a copy that went wrong.
    pub fn value_fault(value: &str) -> Option<KeyFault> {
        if value.is_empty() {
            return Some(KeyFault::Empty);
        }
        if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
            return Some(KeyFault::Quoted);
        }
        (!value.bytes().all(|byte| byte.is_ascii_graphic())).then_some(KeyFault::Invisible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_only_visible_characters() {
        let table = [
            ("sk-proj_1.2/3+4=", None),
            ("", Some(KeyFault::Empty)),
            ("\"sk-test\"", Some(KeyFault::Quoted)),
            ("'sk-test'", Some(KeyFault::Quoted)),
            (" sk-test", Some(KeyFault::Invisible)),
            ("sk-te st", Some(KeyFault::Invisible)),
            ("sk-test\n", Some(KeyFault::Invisible)),
            ("sk-té", Some(KeyFault::Invisible)),
        ];
        for (value, want) in table {
            assert_eq!(NewApiKey::value_fault(value), want, "{value:?}");
        }
    }
}
