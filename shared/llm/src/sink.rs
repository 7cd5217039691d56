use runmill_proto::chat::Delta;

/// Takes the parts of an answer as they arrive: see [`Client::invoke_streamed`](crate::Client::invoke_streamed).
pub trait DeltaSink: Send + Sync {
    /// Takes the next part, which is not empty and contains no secret of the provider. It is called in the task that
    /// reads the answer, so it must not block.
    fn delta(&self, delta: Delta);
}
