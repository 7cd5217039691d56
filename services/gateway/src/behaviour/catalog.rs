use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Base, Model, ModelFault};

/// Maximum number of names that are cached. Further names are parsed at each call.
const NAMES_MAX: usize = 1_024;

/// A cache of the models by name.
#[derive(Debug)]
pub(crate) struct Catalog {
    parsed: RwLock<HashMap<Box<str>, Arc<Model>>>,
    has_key: bool,
}

/// Reason why a model does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownModel {
    #[error(transparent)]
    Fault(#[from] ModelFault),
    #[error("`key` needs an answer key, and the gateway was started without one")]
    NoKey,
}

impl Catalog {
    pub fn new(has_key: bool) -> Self {
        Self { parsed: RwLock::default(), has_key }
    }

    pub fn find(&self, name: &str) -> Result<Arc<Model>, UnknownModel> {
        if let Some(model) = self.parsed.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(model.clone());
        }
        let model: Arc<Model> = Arc::new(name.parse()?);
        if matches!(model.base, Base::Key { .. }) && !self.has_key {
            return Err(UnknownModel::NoKey);
        }
        let mut parsed = self.parsed.write().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() < NAMES_MAX {
            parsed.insert(name.into(), model.clone());
        }
        Ok(model)
    }

    /// Returns the bases of models that this gateway has.
    pub fn bases(&self) -> &'static [&'static str] {
        if self.has_key { &["echo", "lorem", "tool", "key"] } else { &["echo", "lorem", "tool"] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parsed_once() {
        let catalog = Catalog::new(false);

        assert!(Arc::ptr_eq(&catalog.find("echo+tps=9").unwrap(), &catalog.find("echo+tps=9").unwrap()));
    }

    #[test]
    fn the_names_remembered_are_bounded() {
        let catalog = Catalog::new(false);

        for tokens in 1..=2 * NAMES_MAX {
            catalog.find(&format!("lorem+tokens={tokens}")).unwrap();
        }

        assert_eq!(catalog.parsed.read().unwrap().len(), NAMES_MAX);
    }

    #[test]
    fn key_needs_an_answer_key() {
        assert_eq!(Catalog::new(false).find("key=0.5"), Err(UnknownModel::NoKey));
        assert!(Catalog::new(true).find("key=0.5").is_ok());
    }
}
