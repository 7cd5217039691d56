use maud::{Markup, html};
use runmill_proto::{Image, Item, Turn, api::DetailedResult, choice_label};

use super::block;
use crate::{run::pretty, text::shown};

/// Kinds of images that a browser shows and that run no script.
const IMAGE_TYPES: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/// Returns what was asked: the item, and the messages as the model got them.
pub fn question(item: Option<&Item>, result: Option<&DetailedResult>) -> Markup {
    html! {
        section.card aria-label="Question" {
            @if let Some(item) = item { (of_item(item, result)) }
            @else { p.quiet { "The texts of this item are not kept." } }
            @if let Some(result) = result.filter(|result| !result.prompt.is_empty()) {
                details { summary { "Messages as the model got them" } @for turn in &result.prompt { (message(turn)) } }
            }
        }
    }
}

fn of_item(item: &Item, result: Option<&DetailedResult>) -> Markup {
    html! {
        @for turn in &item.inputs.messages { (message(turn)) }
        @if !item.inputs.text.is_empty() { h3 { "Question" } (block(&item.inputs.text)) }
        @if !item.inputs.images.is_empty() {
            div.images { @for (n, image) in item.inputs.images.iter().enumerate() { (picture(n, image)) } }
        }
        @if !item.choices.is_empty() {
            h4 { "Choices" }
            ol.labelled { @for (n, choice) in item.choices.iter().enumerate() {
                li { b { (choice_label(n)) } " " (shown(choice)) }
            } }
        }
        @if let Some(references) = result.map(|result| &result.references).filter(|found| !found.is_empty()) {
            h4 { "Reference" }
            ul.labelled { @for reference in references { li { (shown(reference)) } } }
        }
        @if let Some(meta) = &item.meta { details { summary { "Other fields" } pre { (shown(&pretty(meta))) } } }
    }
}

fn message(turn: &Turn) -> Markup {
    html! { h4 { (turn.role.as_str()) } (block(&turn.content)) }
}

/// Shows an image that is in the dataset. One at another site is only named: the page loads nothing from there.
fn picture(n: usize, image: &Image) -> Markup {
    let name = format!("Image {}", n + 1);
    html! {
        @if let Some(source) = source(image) { img src=(source) alt=(name) loading="lazy"; }
        @else { p { (name) ": " code { (shown(&described(image))) } } }
    }
}

fn source(image: &Image) -> Option<String> {
    let source = match image {
        Image::Url { url } => url.clone(),
        Image::Inline { mime_type, data, .. } => format!("data:{mime_type};base64,{data}"),
    };
    let is_safe = IMAGE_TYPES.iter().any(|kind| {
        source
            .strip_prefix("data:")
            .and_then(|rest| rest.strip_prefix(kind))
            .is_some_and(|rest| rest.starts_with(";base64,"))
    });
    is_safe.then_some(source)
}

fn described(image: &Image) -> String {
    match image {
        Image::Url { url } => crate::text::cut(url, 200),
        Image::Inline { mime_type, .. } => mime_type.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_in_the_dataset_are_loaded() {
        let inline = |mime_type: &str| Image::Inline {
            mime_type: mime_type.to_owned(),
            encoding: "base64".to_owned(),
            data: "QQ==".to_owned(),
        };
        let at = |url: &str| Image::Url { url: url.to_owned() };
        assert_eq!(source(&inline("image/png")).as_deref(), Some("data:image/png;base64,QQ=="));
        assert!(source(&at("data:image/webp;base64,QQ==")).is_some());
        for image in [
            inline("image/svg+xml"),
            inline("text/html"),
            at("https://example.org/x.png"),
            at("data:text/html;base64,QQ=="),
            at("javascript:alert(1)"),
        ] {
            assert_eq!(source(&image), None, "{image:?}");
            assert!(!picture(0, &image).into_string().contains("<img"));
        }
    }
}
