use runmill_proto::Image;

/// Where an image's bytes are.
pub(super) enum ImageSource<'a> {
    /// Here, in base64.
    Data {
        mime_type: &'a str,
        data: &'a str,
    },
    Url(&'a str),
}

impl<'a> From<&'a Image> for ImageSource<'a> {
    /// A URL that holds its data (`data:`) is taken apart.
    fn from(image: &'a Image) -> Self {
        match image {
            Image::Inline { mime_type, data, .. } => Self::Data { mime_type, data },
            Image::Url { url } => match held(url) {
                Some((mime_type, data)) => Self::Data { mime_type, data },
                None => Self::Url(url),
            },
        }
    }
}

/// The media type and the data of a URL that holds them.
fn held(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}
