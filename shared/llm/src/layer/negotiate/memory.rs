use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use crate::protocol::Form;

/// Which form each model of one provider wants, for as long as that is to be believed.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<String, Known>>);

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
    pub fn form(&self, model: &str) -> Form {
        let known = self.lock().get(model).copied();
        known.filter(|known| Instant::now() < known.until).map_or_else(Form::default, |known| known.form)
    }

    /// Whether it is news.
    pub fn learn(&self, model: &str, form: Form) -> bool {
        let now = Instant::now();
        let mut models = self.lock();
        if models.len() >= MODELS_MAX {
            models.retain(|_, known| now < known.until);
        }
        if models.len() >= MODELS_MAX {
            models.clear();
        }
        let before = models.insert(model.to_owned(), Known { form, until: now + BELIEVED_FOR });
        before.is_none_or(|known| known.form != form || known.until <= now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let memory = Memory::default();
        for model in 0..=MODELS_MAX {
            assert!(memory.learn(&model.to_string(), Form { stream: false, ..Form::default() }));
        }
        assert!(memory.lock().len() <= MODELS_MAX);
    }
}
