use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use crate::{ChatRequest, protocol::Form};

/// Which form each model of one provider wants, for as long as that is to be believed. With tools a model may want
/// another than without.
#[derive(Default)]
pub(crate) struct Memory {
    plain: Mutex<Models>,
    with_tools: Mutex<Models>,
}

type Models = HashMap<String, Known>;

#[derive(Clone, Copy)]
struct Known {
    form: Form,
    until: Instant,
}

/// Providers change their minds: an organization is verified, a server is updated.
const BELIEVED_FOR: Duration = Duration::from_hours(1);

/// A provider has tens of models; whoever has more learns again.
const MODELS_MAX: usize = 1_000;

impl Memory {
    pub fn form(&self, request: &ChatRequest) -> Form {
        let known = self.models(request).get(&request.model).copied();
        known.filter(|known| Instant::now() < known.until).map_or_else(Form::default, |known| known.form)
    }

    /// Whether it is news.
    pub fn learn(&self, request: &ChatRequest, form: Form) -> bool {
        let now = Instant::now();
        let mut models = self.models(request);
        if models.len() >= MODELS_MAX {
            models.retain(|_, known| now < known.until);
        }
        if models.len() >= MODELS_MAX {
            models.clear();
        }
        let before = models.insert(request.model.clone(), Known { form, until: now + BELIEVED_FOR });
        before.is_none_or(|known| known.form != form || known.until <= now)
    }

    fn models(&self, request: &ChatRequest) -> MutexGuard<'_, Models> {
        let models = if request.generation.tools.is_empty() { &self.plain } else { &self.with_tools };
        models.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Function, Tool};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let memory = Memory::default();
        for model in 0..=MODELS_MAX {
            let request = ChatRequest { model: model.to_string(), ..ChatRequest::default() };
            assert!(memory.learn(&request, Form { stream: false, ..Form::default() }));
        }
        assert!(memory.plain.lock().unwrap().len() <= MODELS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_with_tools_is_not_known_without() {
        let memory = Memory::default();
        let plain = ChatRequest { model: "m".into(), ..ChatRequest::default() };
        let mut with_tools = plain.clone();
        let function = Function { name: "f".into(), description: None, parameters: None, strict: None };
        with_tools.generation.tools.push(Tool::Function { function });
        let buffered = Form { stream: false, ..Form::default() };

        memory.learn(&with_tools, buffered);

        assert_eq!((memory.form(&plain), memory.form(&with_tools)), (Form::default(), buffered));
    }
}
