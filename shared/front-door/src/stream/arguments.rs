/// Finds the end of a call's arguments, which are a JSON object, while they arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Number of objects and lists that are open.
    depth: usize,
    has_begun: bool,
    is_in_string: bool,
    is_escaped: bool,
}

impl Arguments {
    /// Adds a piece. Pieces may end anywhere, also within a string.
    pub fn add(&mut self, piece: &str) {
        // All signs that matter are ASCII, of which no other character has a byte.
        for byte in piece.bytes() {
            if self.is_in_string {
                self.is_in_string = self.is_escaped || byte != b'"';
                self.is_escaped = !self.is_escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => {
                    self.has_begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Returns true if nothing but white space can follow. Arguments that are no object or list are never whole.
    pub const fn are_whole(&self) -> bool {
        self.has_begun && self.depth == 0 && !self.is_in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_whole_when_their_object_is_closed() {
        let table = [
            ("", false),
            ("{", false),
            ("{}", true),
            ("{} ", true),
            (r#"{"a": {"b": [1, 2]}"#, false),
            (r#"{"a": {"b": [1, 2]}}"#, true),
            (r#"{"a": "}"#, false),
            (r#"{"a": "}\""#, false),
            (r#"{"a": "}\"}"#, false),
            (r#"{"a": "}\\"}"#, true),
            (r#"{"é": "\u007d"}"#, true),
            ("7", false),
        ];
        for (text, want) in table {
            let (mut whole, mut pieces) = (Arguments::default(), Arguments::default());
            whole.add(text);
            text.chars().for_each(|c| pieces.add(c.encode_utf8(&mut [0; 4])));
            assert_eq!((whole.are_whole(), pieces.are_whole()), (want, want), "{text}");
        }
    }
}
