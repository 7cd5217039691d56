use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use runmill_prompt::{Prompt, PromptError};

/// Maximum number of compiled templates that are kept. Beyond it, templates are dropped and compiled again.
const KEPT_MAX: usize = 256;

/// Compiled prompt templates, by their text.
#[derive(Default)]
pub struct Prompts(Mutex<HashMap<Option<String>, Arc<Prompt>>>);

impl Prompts {
    pub fn get(&self, template: Option<&String>) -> Result<Arc<Prompt>, PromptError> {
        let key = template.cloned();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prompt) = kept.get(&key) {
            return Ok(prompt.clone());
        }
        let prompt = Arc::new(Prompt::compile(template.map(String::as_str))?);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, prompt.clone());
        Ok(prompt)
    }
}
