use std::fmt::{self, Write};

/// Longest value in a line. The rest of a longer value is cut off.
pub(crate) const VALUE_MAX_BYTES: usize = 16 * 1024;

/// Appends `value` as a JSON string, cut at [`VALUE_MAX_BYTES`].
pub(crate) fn push_string(out: &mut String, value: fmt::Arguments<'_>) {
    out.push('"');
    let mut escaped = Escaped { out, room: VALUE_MAX_BYTES };
    // An error is one of the value's formatter, or means that the value was truncated. The text so far is kept.
    let cut = write!(escaped, "{value}").is_err() && escaped.room == 0;
    out.push_str(if cut { "…\"" } else { "\"" });
}

/// Escapes the text that is written to it, by RFC 8259, section 7.
struct Escaped<'a> {
    out: &'a mut String,
    /// Number of bytes, before escaping, that may still be written.
    room: usize,
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.room < c.len_utf8() {
                self.room = 0;
                return Err(fmt::Error);
            }
            self.room -= c.len_utf8();
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c < ' ' => write!(self.out, "\\u{:04x}", u32::from(c))?,
                c => self.out.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(text: &str) -> String {
        let mut json = String::new();
        push_string(&mut json, format_args!("{text}"));
        assert!(!json.contains('\n'), "{json}");
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_long_value_is_cut() {
        let read = read_back(&"é".repeat(VALUE_MAX_BYTES));
        assert_eq!(read.len(), VALUE_MAX_BYTES + '…'.len_utf8());
        assert!(read.ends_with("é…"));
    }

    #[test]
    fn a_value_that_just_fits_is_whole() {
        let whole = "x".repeat(VALUE_MAX_BYTES);
        assert_eq!(read_back(&whole), whole);
    }

    #[test]
    fn a_value_that_cannot_be_formatted_keeps_what_there_is() {
        struct Half;
        impl fmt::Display for Half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        let mut json = String::new();
        push_string(&mut json, format_args!("{Half}"));
        assert_eq!(json, r#""half""#);
    }

    proptest! {
        #[test]
        fn any_text_is_one_json_string(text in any::<String>()) {
            prop_assert_eq!(read_back(&text), text);
        }
    }
}
