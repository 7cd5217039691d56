//! Whatever the database says about itself is waited out: nothing is put aside, and nothing is called again.

use crate::{
    fault::{
        database::Fault::{
            Crash, CrashThenReadOnly, DiskFull, IdleTimeout, PasswordChanged, ReadOnly, Replaced, Restart,
            RightsRevoked, SlotsUsedUp, StatementTimeout, TableLocked, TableRenamed, Terminate,
        },
        processes::Fault::{KillLeader, Terminate as Drain},
    },
    scenario::Scenario,
    service::Role,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("database: {name}"));
    vec![
        new("crashed, down 8 s").items(1_500).fault(Crash { down: 8.0 }).quick(),
        new("restarted").items(800).fault(Restart),
        new("crashed, then read only 8 s").items(1_500).fault(CrashThenReadOnly { seconds: 8.0 }),
        new("sessions ended five times").items(1_100).fault(Terminate { times: 5, between: 1.0 }),
        new("two sessions allowed for 8 s").items(1_500).fault(SlotsUsedUp { seconds: 8.0 }),
        new("statement time-out of 5 ms for 8 s").items(1_500).fault(StatementTimeout { seconds: 8.0 }),
        new("idle sessions ended after 20 ms for 8 s").items(1_400).fault(IdleTimeout { seconds: 8.0 }),
        new("table renamed for 10 s")
            .items(1_600)
            .fault(TableRenamed { table: "results", seconds: 10.0 })
            .quick(),
        // Transactions fail after they have numbered their events.
        new("events' table renamed for 5 s")
            .items(1_200)
            .fault(TableRenamed { table: "run_events", seconds: 5.0 }),
        new("table locked for 8 s").items(1_500).fault(TableLocked { seconds: 8.0 }),
        new("password changed for 8 s").items(1_500).fault(PasswordChanged { seconds: 8.0 }),
        new("read only for 8 s").items(1_500).fault(ReadOnly { seconds: 8.0 }),
        new("rights revoked for 8 s").items(1_500).fault(RightsRevoked { seconds: 8.0 }),
        new("PgBouncer in transaction mode, two dispatchers, the leader killed")
            .items(900)
            .dispatchers(2)
            .plan(|plan| plan.pooled = true)
            .fault(KillLeader),
        new("PgBouncer in transaction mode, a dispatcher drained and started")
            .items(900)
            .plan(|plan| plan.pooled = true)
            .fault(Drain(Role::Dispatcher)),
        new("replaced by its standby").items(1_200).plan(|plan| plan.standby = true).fault(Replaced),
        new("disk full for 8 s")
            .items(1_500)
            .plan(|plan| plan.small_disk = true)
            .fault(DiskFull { seconds: 8.0 }),
    ]
}
