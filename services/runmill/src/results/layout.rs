use runmill_proto::api::DetailedResult;

/// Form of a file whose beginning needs what all results have. So each result is seen twice: first to learn from it, and
/// then to be written.
pub trait Layout {
    fn learn(&mut self, result: &DetailedResult) -> anyhow::Result<()>;

    fn begin(&mut self) -> anyhow::Result<Vec<u8>>;

    fn write(&mut self, result: &DetailedResult) -> anyhow::Result<Vec<u8>>;

    fn end(&mut self) -> anyhow::Result<Vec<u8>>;
}
