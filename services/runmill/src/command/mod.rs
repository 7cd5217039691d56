//! The commands, a file each.

pub mod demo;
pub mod doctor;
pub mod gateway;
pub mod keys;
pub mod migrate;
pub mod run;
pub mod runs;
pub mod smoke_test;
