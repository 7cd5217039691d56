use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use crate::{ChatRequest, protocol::Form};

/// Cache of the form of request that each model of one provider accepts. Entries expire. A model may need another
/// form with tools than without, so each has an entry of its own.
#[derive(Default)]
pub(crate) struct FormMemory {
    plain: Mutex<Entries>,
    with_tools: Mutex<Entries>,
}

type Entries = HashMap<String, Entry>;

#[derive(Clone, Copy)]
struct Entry {
    form: Form,
    expires: Instant,
}

/// Entries expire because a provider may accept another form later: after it verified an organization, or was
/// updated.
const ENTRY_TTL: Duration = Duration::from_hours(1);

/// Maximum number of entries of each kind. When it is reached, all entries are dropped; a provider usually has only
/// tens of models.
const MODELS_MAX: usize = 1_000;

impl FormMemory {
    pub fn form(&self, request: &ChatRequest) -> Form {
        let entry = self.entries(request).get(&request.model).copied();
        entry.filter(|entry| Instant::now() < entry.expires).map_or_else(Form::default, |entry| entry.form)
    }

    /// Stores the accepted form. Returns true if it differs from the stored one, or if none was stored.
    pub fn store(&self, request: &ChatRequest, form: Form) -> bool {
        let now = Instant::now();
        let mut entries = self.entries(request);
        if entries.len() >= MODELS_MAX {
            entries.retain(|_, entry| now < entry.expires);
        }
        if entries.len() >= MODELS_MAX {
            entries.clear();
        }
        let before = entries.insert(request.model.clone(), Entry { form, expires: now + ENTRY_TTL });
        before.is_none_or(|entry| entry.form != form || entry.expires <= now)
    }

    fn entries(&self, request: &ChatRequest) -> MutexGuard<'_, Entries> {
        let entries = if request.generation.tools.is_empty() { &self.plain } else { &self.with_tools };
        entries.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Function, Tool};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let memory = FormMemory::default();
        for model in 0..=MODELS_MAX {
            let request = ChatRequest { model: model.to_string(), ..ChatRequest::default() };
            assert!(memory.store(&request, Form { stream: false, ..Form::default() }));
        }
        assert!(memory.plain.lock().unwrap().len() <= MODELS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_with_tools_is_not_known_without() {
        let memory = FormMemory::default();
        let plain = ChatRequest { model: "m".into(), ..ChatRequest::default() };
        let mut with_tools = plain.clone();
        let function = Function { name: "f".into(), description: None, parameters: None, strict: None };
        with_tools.generation.tools.push(Tool::Function { function });
        let buffered = Form { stream: false, ..Form::default() };

        memory.store(&with_tools, buffered);

        assert_eq!((memory.form(&plain), memory.form(&with_tools)), (Form::default(), buffered));
    }
}
