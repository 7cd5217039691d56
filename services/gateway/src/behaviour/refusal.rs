/// Streaming options of a request, for which a model may refuse it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamMode {
    pub stream: bool,
    /// True if the request has stream options of any value.
    pub stream_options: bool,
}

/// Reason why a model refuses a request. The texts are those of real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "Unsupported value: 'stream' does not support true with this model. Only the default (false) value is \
         supported."
    )]
    Stream,
    #[error("This model only support stream mode, please enable the stream parameter to access the model.")]
    Buffered,
    #[error("Unknown parameter: 'stream_options'.")]
    StreamOptions,
}

impl Refusal {
    pub fn applies_to(self, mode: StreamMode) -> bool {
        match self {
            Self::Stream => mode.stream,
            Self::Buffered => !mode.stream,
            Self::StreamOptions => mode.stream_options,
        }
    }
}
