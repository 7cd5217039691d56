use serde::Serialize;

use crate::Part;

/// A message of the conversation, as most protocols write it, with the protocol's own type of parts `P`.
#[derive(Serialize)]
pub(super) struct Turn<'a, P> {
    pub role: &'static str,
    pub content: Content<'a, P>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a, P> {
    Text(&'a str),
    Parts(Vec<P>),
}

impl<'a, P> Content<'a, P> {
    /// Writes a single text as a plain string, because not every server accepts parts.
    pub fn new(parts: &'a [Part], part: impl Fn(&'a Part) -> P) -> Self {
        match parts {
            [] => Self::Text(""),
            [Part::Text(text)] => Self::Text(text),
            parts => Self::Parts(parts.iter().map(part).collect()),
        }
    }
}
