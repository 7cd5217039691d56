use runmill_proto::Image;

/// Location of an image's bytes.
pub(super) enum ImageSource<'a> {
    /// The bytes are in the request, in base64.
    Data {
        mime_type: &'a str,
        data: &'a str,
    },
    Url(&'a str),
}

impl<'a> From<&'a Image> for ImageSource<'a> {
    /// Takes a URL that contains the data itself (`data:`) apart.
    fn from(image: &'a Image) -> Self {
        match image {
            Image::Inline { mime_type, data, .. } => Self::Data { mime_type, data },
            Image::Url { url } => match inline(url) {
                Some((mime_type, data)) => Self::Data { mime_type, data },
                None => Self::Url(url),
            },
        }
    }
}

/// Returns the media type and the data of a `data:` URL.
fn inline(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}
