//! Statistics of scores: means over samples, their errors and intervals, differences of two runs.
//!
//! All numbers are those of the standard references, which `make statistics` checks on random cases.

mod agreement;
mod beta;
mod error;
mod gamma;
mod interval;
mod mean;
mod normal;
mod paired;
mod reduce;
mod student;

pub use agreement::{Alpha, krippendorff_alpha};
pub use error::{clustered_error, standard_error};
pub use interval::{Interval, student_interval, wilson_interval};
pub use paired::{Paired, mcnemar_p, paired};
pub use reduce::{Reducer, at_least, mode, pass_at};
