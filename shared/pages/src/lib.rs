//! Pages for people who watch runs: HTML made of the API's types, with charts as SVG, and the styles and modules that they load.
//!
//! A view is a pure function to a [`Page`]. Nothing here does I/O, reads a clock or knows a service. Text of models is
//! hostile: it goes through [`mod@text`] and is never HTML. The pages have neither inline scripts nor inline styles, so that
//! they work under a strict Content-Security-Policy, and all but the live updates work without scripts.

pub mod assets;
mod chart;
mod compare;
mod item;
mod layout;
mod log;
mod new_run;
mod notice;
mod number;
mod providers;
mod report;
mod results;
mod run;
mod runs;
mod sign_in;
mod status;
mod steering;
#[cfg(test)]
mod testing;
pub mod text;
mod url;
mod viewer;

pub use compare::{ComparePage, Pair};
pub use item::{ItemPage, SampleView};
pub use layout::{Live, Page, Place};
pub use log::{LogFilter, LogKind, LogPage, log_lines};
pub use new_run::{Choice, DatasetStep, Estimate, Form, RunStep, Tried};
pub use notice::{moving_on, refusal};
pub use providers::{ProviderView, ProvidersPage};
pub use report::{Report, report_result};
pub use results::{ResultsPage, rows};
pub use run::{RunHead, RunPage};
pub use runs::{RunLine, RunsFilter, RunsPage, State};
pub use sign_in::sign_in;
pub use viewer::Viewer;
