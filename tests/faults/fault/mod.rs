//! Faults as data, by what they happen to.

pub mod broker;
pub mod database;
pub mod messages;
pub mod network;
pub mod processes;
pub mod steering;

use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Process(processes::Fault),
    Broker(broker::Fault),
    Database(database::Fault),
    Network(network::Fault),
    Messages(messages::Fault),
    Steering(steering::Fault),
}

impl Fault {
    /// Makes the fault happen, and returns when it is over.
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        world.note_if_over(&format!("{self:?}"));
        match self {
            Self::Process(fault) => fault.happen(world).await,
            Self::Broker(fault) => fault.happen(world).await,
            Self::Database(fault) => fault.happen(world).await,
            Self::Network(fault) => fault.happen(world).await,
            Self::Messages(fault) => fault.happen(world).await,
            Self::Steering(fault) => fault.happen(world).await,
        }
    }
}

macro_rules! from {
    ($($module:ident => $variant:ident),*) => {$(
        impl From<$module::Fault> for Fault {
            fn from(fault: $module::Fault) -> Self {
                Self::$variant(fault)
            }
        }
    )*};
}

from!(processes => Process, broker => Broker, database => Database, network => Network, messages => Messages,
    steering => Steering);
