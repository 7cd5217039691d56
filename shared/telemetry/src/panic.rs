use std::panic::{self, PanicHookInfo};

/// Logs panics as events from now on.
pub(crate) fn log_panics() {
    panic::set_hook(Box::new(log));
}

fn log(info: &PanicHookInfo<'_>) {
    let text = info.payload_as_str().unwrap_or("no message");
    let location = info.location().map(ToString::to_string);
    tracing::error!(event = "process.panicked", location, panic = text, "a task panicked");
}
