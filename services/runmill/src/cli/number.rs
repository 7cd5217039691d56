use runmill_proto::{Numeric, OutOfRange, Range};

/// Range of the number of items of a run. Their places are 32-bit numbers.
pub const ITEMS: Range<usize> = Range::new(1, 4_294_967_295);

/// Parses numbers within `range`. Options that use it allow negative numbers, so that their error also names the
/// range.
pub fn within<T>(range: Range<T>) -> impl Fn(&str) -> Result<T, OutOfRange> + Clone + Send + Sync + 'static
where
    T: Numeric + Send + Sync + 'static,
{
    move |text| range.parse(text)
}
