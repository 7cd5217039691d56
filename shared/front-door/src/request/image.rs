use runmill_proto::{Image, chat::Part};

use super::node::{Fields, Node};
use crate::Refusal;

/// Reads an image that is given by its URL, which may be a `data:` URL.
pub(super) fn by_url(node: &Node<'_>) -> Result<Part, Refusal> {
    checked(node, Image::Url { url: node.text()?.to_owned() })
}

/// Reads the field `image_url` of a part: a URL, or an object with one.
pub(super) fn openai(part: &mut Fields<'_>) -> Result<Part, Refusal> {
    let node = part.require("image_url")?;
    if node.value.is_string() {
        return by_url(&node);
    }
    let mut fields = node.fields()?;
    let image = by_url(&fields.require("url")?)?;
    detail(&mut fields)?;
    fields.rest();
    Ok(image)
}

/// Takes the detail with which the model shall look at an image. No other protocol has it.
pub(super) fn detail(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let detail = fields.get("detail");
    if let Some(node) = detail
        && node.text()? != "auto"
    {
        node.ignore();
    }
    Ok(())
}

/// Reads the field `source` of Anthropic's image block.
pub(super) fn anthropic(block: &mut Fields<'_>) -> Result<Part, Refusal> {
    let node = block.require("source")?;
    let mut fields = node.clone().fields()?;
    let kind = fields.require("type")?;
    let image = match kind.text()? {
        "url" => by_url(&fields.require("url")?)?,
        "base64" => {
            let mime_type = fields.require("media_type")?.text()?.to_owned();
            let data = fields.require("data")?.text()?.to_owned();
            checked(&node, Image::Inline { mime_type, encoding: "base64".into(), data })?
        }
        _ => return Err(kind.unsupported("'base64' and 'url'")),
    };
    fields.rest();
    Ok(image)
}

fn checked(node: &Node<'_>, image: Image) -> Result<Part, Refusal> {
    match image.fault() {
        Some(fault) => Err(node.fault(format!("Invalid image: {fault}.")).with_code("invalid_image")),
        None => Ok(Part::Image(image)),
    }
}
