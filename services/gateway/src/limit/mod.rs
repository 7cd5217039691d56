//! Limits on calls, which a model's name sets. They count for each API key and model.

mod limiter;
mod limits;
mod standing;
mod usage;

pub(crate) use limiter::{Limiter, Permit};
pub(crate) use limits::{Limits, Rate};
pub(crate) use standing::{Meter, Standing};
pub(crate) use usage::{Excess, Unit};
