use std::fmt::{self, Write};

use minijinja::{Error, ErrorKind, Output, State, Value, escape_formatter, value::ValueKind};

/// Largest text of a list or a map, in bytes. More would use up all fuel, which the engine takes only when the text is there.
const TEXT_MAX: usize = 400_000;

/// Writes a value, as the engine does by default.
pub fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.as_object().is_none() {
        return escape_formatter(out, state, value);
    }
    let too_large = || Error::new(ErrorKind::OutOfFuel, "a list or map is too large to be printed");
    if !fits(value) {
        return Err(too_large());
    }
    write!(Bounded { out, left: TEXT_MAX }, "{value}").map_err(|_| too_large())
}

/// Returns false if the text is too long, without making it. Each part has two bytes or more of it.
fn fits(value: &Value) -> bool {
    let (mut left, mut open) = (TEXT_MAX, vec![value.clone()]);
    while let Some(value) = open.pop() {
        let size = value.as_str().map_or(0, str::len) + 2;
        let Some(rest) = left.checked_sub(size) else { return false };
        left = rest;
        if value.as_object().is_none() {
            continue;
        }
        for part in value.try_iter().into_iter().flatten() {
            if 2 * open.len() > left {
                return false;
            }
            open.extend(value.get_item(&part).ok().filter(|_| value.kind() == ValueKind::Map));
            open.push(part);
        }
    }
    true
}

/// Stops the text of what cannot be looked through before.
struct Bounded<'a, 'w> {
    out: &'a mut Output<'w>,
    left: usize,
}

impl Write for Bounded<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.left = self.left.checked_sub(text.len()).ok_or(fmt::Error)?;
        self.out.write_str(text)
    }
}
