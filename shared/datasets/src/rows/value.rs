//! Values that several formats with types have.

use super::bounds::Budget;
use crate::{Cell, RowFault};

/// Returns a floating-point number.
///
/// * `text`: the number in digits.
pub fn float(value: f64, text: String) -> Cell {
    if value.is_nan() {
        Cell::NotFinite("NaN")
    } else if value.is_infinite() {
        Cell::NotFinite(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        Cell::Number(text)
    }
}

/// Returns bytes as the text that some tools write without saying that it is one.
pub fn bytes(bytes: &[u8], budget: &mut Budget) -> Result<Cell, RowFault> {
    match str::from_utf8(bytes) {
        Ok(text) => {
            budget.take(text.len())?;
            Ok(Cell::Text(text.to_owned()))
        }
        // An image of any size, whose place is no part of an item.
        Err(_) => Ok(Cell::Unread("binary".to_owned())),
    }
}
