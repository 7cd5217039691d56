use secrecy::SecretString;
use serde::Serialize;

/// Writes a document below lines of comments. Every text is quoted, so that readers of YAML 1.1, such as Python's, do not take
/// `no` or `2026-11-30` for something else.
pub fn write(comments: &[String], document: &impl Serialize) -> SecretString {
    let options = serde_saphyr::ser_options! { quote_all: true };
    let body = serde_saphyr::to_string_with_options(document, options);
    let body = body.expect("the keys of our documents are texts");
    let comments = comments.iter().map(|line| format!("# {line}\n"));
    SecretString::from(format!("{}{body}", comments.collect::<String>()))
}
