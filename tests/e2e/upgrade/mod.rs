//! A run goes on while its installation is upgraded from the release before, part by part, and rolled back.
//!
//! `make upgrade` builds the release before and runs these tests.

mod cluster;
mod standalone;
mod work;
