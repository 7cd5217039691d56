use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use runmill_prompt::{JudgePrompt, Prompt, PromptError};

/// Maximum number of compiled templates that are kept. Beyond it, templates are dropped and compiled again.
const KEPT_MAX: usize = 256;

/// Compiled prompt templates.
pub struct Prompts {
    pub items: Compiled<Prompt>,
    pub judges: Compiled<JudgePrompt>,
}

/// Compiled templates of one kind, by their text.
pub struct Compiled<T> {
    kept: Mutex<HashMap<Option<String>, Arc<T>>>,
    compile: fn(Option<&str>) -> Result<T, PromptError>,
}

impl Default for Prompts {
    fn default() -> Self {
        Self { items: Compiled::new(Prompt::compile), judges: Compiled::new(JudgePrompt::compile) }
    }
}

impl<T> Compiled<T> {
    fn new(compile: fn(Option<&str>) -> Result<T, PromptError>) -> Self {
        Self { kept: Mutex::default(), compile }
    }

    pub fn get(&self, template: Option<&String>) -> Result<Arc<T>, PromptError> {
        let key = template.cloned();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prompt) = kept.get(&key) {
            return Ok(prompt.clone());
        }
        let prompt = Arc::new((self.compile)(template.map(String::as_str))?);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, prompt.clone());
        Ok(prompt)
    }
}
