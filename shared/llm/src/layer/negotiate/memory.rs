use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::kind::Kind;
use crate::{ChatRequest, protocol::Form};

/// Cache of the form of request that each model of one provider accepts, for each kind of request. Entries expire.
///
/// While the form is not known, one call scouts: it finds the form, and the others wait for it.
#[derive(Default)]
pub(crate) struct FormMemory(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    kinds: HashMap<Kind, Models>,
    /// How each model streams without tools and log probabilities, with which the search for other kinds begins.
    streaming: HashMap<String, Known>,
}

type Models = HashMap<String, Entry>;

/// Part of a call in the search for the form of its request.
pub(super) enum Entrance {
    /// The form is known.
    Known(Form),
    /// The call finds the form, and begins with this one. Dropping the sender ends its search, and wakes those that
    /// wait.
    Scout(watch::Sender<()>, Form),
    /// Another call finds the form. The receiver is closed when its search ends.
    Wait(watch::Receiver<()>),
}

#[derive(Default)]
struct Entry {
    /// `None` until a form was accepted.
    known: Option<Known>,
    /// Closed when the scout's search has ended. `None` without a scout.
    scout: Option<watch::Receiver<()>>,
}

#[derive(Clone, Copy)]
struct Known {
    form: Form,
    expires: Instant,
    /// True if a buffered answer was requested for the log probabilities that streams do not have.
    has_sought_logprobs: bool,
}

/// Entries expire because a provider may accept another form later: after it verified an organization, or was
/// updated.
const ENTRY_TTL: Duration = Duration::from_hours(1);

/// Maximum number of kinds of requests, and of models for each. When one is reached, its entries are dropped; a
/// provider usually has only tens of models.
const KINDS_MAX: usize = 1_000;
const MODELS_MAX: usize = 1_000;

impl FormMemory {
    /// Returns the form of a request, or the call's part in the search for it. Where a form has expired, one call
    /// begins the search anew, and the others use it meanwhile.
    pub(super) fn enter(&self, request: &ChatRequest) -> Entrance {
        let now = Instant::now();
        let memory = &mut *self.lock();
        let entry = match entry(&mut memory.kinds, request) {
            Some(entry) => entry,
            None => insert(&mut memory.kinds, request),
        };
        entry.enter(now).unwrap_or_else(|scout| {
            let streaming = memory.streaming.get(&request.model).filter(|known| now < known.expires);
            let changes = streaming.map(|known| known.form).unwrap_or_default();
            Entrance::Scout(scout, changes.fixes().fold(request.form, Form::with))
        })
    }

    /// Stores the accepted form, and returns the one that was stored before.
    pub fn store(&self, request: &ChatRequest, form: Form, has_sought_logprobs: bool) -> Option<Form> {
        let known = Known { form, expires: Instant::now() + ENTRY_TTL, has_sought_logprobs };
        let memory = &mut *self.lock();
        if request.generation.tools.is_empty() && !request.generation.wants_logprobs() {
            make_room(&mut memory.streaming, &request.model, MODELS_MAX);
            memory.streaming.insert(request.model.clone(), Known { form: form.streaming(), ..known });
        }
        let entry = match entry(&mut memory.kinds, request) {
            Some(entry) => entry,
            None => insert(&mut memory.kinds, request),
        };
        entry.scout = None;
        entry.known.replace(known).map(|before| before.form)
    }

    /// Returns true if nobody has sought log probabilities in a buffered answer yet, and records that the caller
    /// does.
    pub fn seek_logprobs(&self, request: &ChatRequest) -> bool {
        let mut memory = self.lock();
        let known = entry(&mut memory.kinds, request).and_then(|entry| entry.known.as_mut());
        known.is_some_and(|known| !std::mem::replace(&mut known.has_sought_logprobs, true))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

fn entry<'a>(kinds: &'a mut HashMap<Kind, Models>, request: &ChatRequest) -> Option<&'a mut Entry> {
    kinds.get_mut(&Kind::of(request))?.get_mut(&request.model)
}

fn insert<'a>(kinds: &'a mut HashMap<Kind, Models>, request: &ChatRequest) -> &'a mut Entry {
    let kind = Kind::of(request);
    make_room(kinds, &kind, KINDS_MAX);
    let models = kinds.entry(kind).or_default();
    make_room(models, &request.model, MODELS_MAX);
    models.entry(request.model.clone()).or_default()
}

fn make_room<Q, K, V>(map: &mut HashMap<K, V>, key: &Q, max: usize)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    if map.len() >= max && !map.contains_key(key) {
        map.clear();
    }
}

impl Entry {
    /// Returns the call's part in the search, or the end of the search if the call is the scout.
    fn enter(&mut self, now: Instant) -> Result<Entrance, watch::Sender<()>> {
        Ok(match (self.known, &self.scout) {
            (Some(known), _) if now < known.expires => Entrance::Known(known.form),
            (Some(known), Some(scout)) if is_open(scout) => Entrance::Known(known.form),
            (None, Some(scout)) if is_open(scout) => Entrance::Wait(scout.clone()),
            _ => {
                let (sender, receiver) = watch::channel(());
                self.scout = Some(receiver);
                return Err(sender);
            }
        })
    }
}

fn is_open(scout: &watch::Receiver<()>) -> bool {
    scout.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Fix, Function, Tool};

    use super::*;

    fn form(memory: &FormMemory, request: &ChatRequest) -> Option<Form> {
        match memory.enter(request) {
            Entrance::Known(form) => Some(form),
            Entrance::Scout(..) | Entrance::Wait(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let memory = FormMemory::default();
        for n in 0..=MODELS_MAX.max(KINDS_MAX) {
            let other_model = ChatRequest { model: n.to_string(), ..ChatRequest::default() };
            let mut other_kind = ChatRequest::default();
            other_kind.generation.temperature = Some(f64::from(u32::try_from(n).unwrap()));
            for request in [other_model, other_kind] {
                assert_eq!(memory.store(&request, Form::default(), false), None);
            }
        }
        let Memory { kinds, streaming } = &*memory.lock();
        assert!(kinds.len() <= KINDS_MAX && kinds.values().all(|models| models.len() <= MODELS_MAX));
        assert!(streaming.len() <= MODELS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_of_one_kind_of_request_is_not_known_of_another() {
        let memory = FormMemory::default();
        let plain = ChatRequest { model: "m".into(), ..ChatRequest::default() };
        let mut others = [plain.clone(), plain.clone(), plain.clone()];
        let function = Function { name: "f".into(), description: None, parameters: None, strict: None };
        others[0].generation.tools.push(Tool::Function { function });
        others[1].generation.temperature = Some(0.0);
        others[2].generation.logprobs = Some(true);
        let buffered = Form::default().with(Fix::Buffered);

        memory.store(&plain, buffered, false);

        assert_eq!(form(&memory, &plain), Some(buffered));
        for other in others {
            assert_eq!(form(&memory, &other), None, "{other:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_search_for_another_kind_begins_with_how_the_model_streams() {
        let memory = FormMemory::default();
        let plain = ChatRequest { model: "m".into(), ..ChatRequest::default() };
        let mut other = plain.clone();
        other.generation.temperature = Some(0.0);
        let found = Form::default().with(Fix::Buffered).with(Fix::NoTopP);

        memory.store(&plain, found, false);

        let Entrance::Scout(_, form) = memory.enter(&other) else { panic!("the form is not known") };
        assert_eq!(form, Form::default().with(Fix::Buffered));
    }
}
