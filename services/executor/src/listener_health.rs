use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Says if this executor takes requests and hears control messages, which it does from soon after its start on. Cheap to
/// clone; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct ListenerHealth(Arc<Begun>);

#[derive(Debug, Default)]
struct Begun {
    requests: AtomicBool,
    control: AtomicBool,
}

impl ListenerHealth {
    /// Returns the reason until both have begun. A connection that is lost later is a matter of the broker's health.
    pub fn check(&self) -> Result<(), &'static str> {
        if !self.0.requests.load(Ordering::Relaxed) {
            return Err("requests are not taken yet");
        }
        if !self.0.control.load(Ordering::Relaxed) {
            return Err("control messages are not heard yet");
        }
        Ok(())
    }

    pub(crate) fn requests_began(&self) {
        self.0.requests.store(true, Ordering::Relaxed);
    }

    pub(crate) fn control_began(&self) {
        self.0.control.store(true, Ordering::Relaxed);
    }
}
