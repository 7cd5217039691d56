//! One process without servers.

use crate::{
    scenario::{Kind, Scenario},
    standalone::Fault,
};

pub fn scenarios() -> Vec<Scenario> {
    let table = [
        ("killed", Fault::Kill),
        ("terminal gone", Fault::HangUp),
        ("interrupted", Fault::Interrupt),
        ("pipe closed", Fault::ClosedPipe),
        ("disk full", Fault::FullDisk),
    ];
    let new = |(name, fault): (&str, Fault)| Scenario {
        kind: Kind::Standalone(fault),
        quick: fault == Fault::Kill,
        ..Scenario::new(format!("standalone: {name}"))
    };
    table.into_iter().map(new).collect()
}
