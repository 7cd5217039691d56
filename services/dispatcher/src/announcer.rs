use runmill_broker::{Envelope, SharedBroker};
use runmill_proto::message::Control;

/// Announces changes to every process.
#[derive(Clone)]
pub struct Announcer(pub SharedBroker);

impl Announcer {
    /// Broadcasts `control`. Processes also poll the store, so a failure only delays them: it is logged, not returned.
    pub async fn announce(&self, control: Control) {
        if let Err(error) = self.0.broadcast(Envelope::new(&control)).await {
            tracing::warn!(event = "control.broadcast_failed", %error, ?control);
        }
    }
}
