use runmill_proto::Fix;

use crate::protocol::{Form, without_prefix};

/// A model, with the parameters that its version accepts. The API does not report them, so the version is read from
/// the name.
///
/// | version | thinks by | accepts `temperature`, `top_p`, `top_k` |
/// | --- | --- | --- |
/// | up to 4.5, and other models than Claude | a budget | yes |
/// | 4.6 | an effort (a budget is deprecated) | yes |
/// | from 4.7, and Claude without a number | an effort (a budget is an error) | no, they are an error |
///
/// Source: "Extended thinking", "Migrating to adaptive thinking"; the migration guides of 4.7 and 5.5.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model<'a> {
    /// Name on the wire.
    pub name: &'a str,
    version: Version,
}

/// Major and minor version.
type Version = (u32, u32);

const NEWEST: Version = (u32::MAX, 0);
const OTHER: Version = (0, 0);

impl<'a> Model<'a> {
    /// Takes the name that LiteLLM or Anthropic uses.
    pub fn new(name: &'a str, form: Form) -> Self {
        let name = if form.has(Fix::FullModelName) { name } else { without_prefix(name, &["anthropic/"]) };
        Self { name, version: version(name) }
    }

    /// Returns true if the model takes an effort, and itself decides on its number of thinking tokens.
    pub fn adapts(self) -> bool {
        self.version >= (4, 6)
    }

    /// Returns true if the model accepts sampling parameters.
    pub fn samples(self) -> bool {
        self.version < (4, 7)
    }
}

/// Reads the version from names such as `claude-3-5-haiku-20241022`, `claude-opus-4-6`, `claude-sonnet-4-5@20250929`
/// and `claude-opus-4.6`: the first number is the major version, and the number right after it, if it is not a date,
/// the minor version.
fn version(name: &str) -> Version {
    let Some((_, rest)) = name.split_once("claude") else { return OTHER };
    let number = |part: &str| (part.len() <= 2).then(|| part.parse().ok()).flatten();
    let mut numbers = rest.split(|c: char| !c.is_ascii_alphanumeric()).map(number);
    let major = numbers.by_ref().flatten().next();
    major.map_or(NEWEST, |major| (major, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_generation() {
        let table = [
            ("claude-3-haiku-20240307", (3, 0)),
            ("claude-3-5-sonnet-latest", (3, 5)),
            ("claude-opus-4-20250514", (4, 0)),
            ("claude-haiku-4-5-20251001", (4, 5)),
            ("claude-sonnet-4-5@20250929", (4, 5)),
            ("us.anthropic.claude-opus-4-6-v1:0", (4, 6)),
            ("claude-opus-4.7", (4, 7)),
            ("claude-opus-5", (5, 0)),
            ("claude-haiku-5-5", (5, 5)),
            ("claude-mythos-preview", NEWEST),
            ("deepseek-chat-4-7", OTHER),
        ];
        for (name, want) in table {
            assert_eq!(version(name), want, "{name}");
        }
    }

    #[test]
    fn a_generation_tells_what_it_takes() {
        let table = [
            ("anthropic/claude-haiku-4-5", false, true),
            ("claude-opus-4-6", true, true),
            ("claude-opus-4-7", true, false),
            ("claude-mythos-preview", true, false),
            ("kimi-k2", false, true),
        ];
        for (name, adapts, samples) in table {
            let model = Model::new(name, Form::default());
            assert_eq!((model.adapts(), model.samples()), (adapts, samples), "{name}");
        }
    }
}
