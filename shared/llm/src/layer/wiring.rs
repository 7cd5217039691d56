use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use runmill_pricing::Seller;

use super::{AttemptLayer, Context};
use crate::{
    ChatResponse, ModelError,
    keys::{KeyAvailability, Keys},
};

/// Connections, keys and protocol of a provider, for one version of its settings.
pub(crate) struct Wired<A> {
    /// Identity of the settings. Equal ones need no new wiring.
    pub identity: Identity,
    pub keys: Arc<Keys>,
    pub seller: Seller,
    pub inner: A,
}

/// Settings from which a wiring was made, as far as they can change.
#[derive(Clone, PartialEq)]
pub(crate) struct Identity {
    /// Version of the provider's settings.
    pub version: i64,
    pub connect_timeout: std::time::Duration,
}

/// Makes each attempt with the provider's current settings, and with the usable key that has the least load.
///
/// An attempt in flight ends with the settings with which it began. The next attempt of the same call uses the new
/// ones.
pub(crate) struct Wiring<A>(RwLock<Arc<Wired<A>>>);

impl<A> Wiring<A> {
    pub fn new(wired: Wired<A>) -> Self {
        Self(RwLock::new(Arc::new(wired)))
    }

    pub fn now(&self) -> Arc<Wired<A>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes all further attempts with `wired`, unless the present wiring is newer.
    pub fn replace(&self, wired: Wired<A>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if wired.identity.version >= current.identity.version {
            *current = Arc::new(wired);
        }
    }
}

impl<A: AttemptLayer> AttemptLayer for Wiring<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let wired = self.now();
        let lease = match wired.keys.take(cx.refusals) {
            Ok(lease) => lease,
            Err(stopped) => {
                cx.tracker.availability(stopped.availability);
                return Err(stopped.reason);
            }
        };
        cx.tracker.chosen(&lease.key().label, wired.seller);
        let admitted = cx.admitted.filter(|_| !wired.keys.are_several());
        let answer = wired.inner.attempt(Context { admitted, key: Some(lease.key()), ..cx }).await;
        let status = cx.tracker.state().status;
        let keyless = !lease.key().authorizes && !lease.has_worked();
        let availability = lease.settle(answer.as_ref().err(), status, &cx.request.call_id, cx.refusals);
        cx.tracker.availability(availability);
        answer.map_err(|error| match availability {
            KeyAvailability::RequestRefused => request_refused(&error, status),
            _ if keyless && may_want_a_key(&error) => {
                error.map_message(|message| format!("{message} (no key was sent)"))
            }
            _ => error,
        })
    }
}

/// Returns the error for a request that is refused although its key works.
fn request_refused(error: &ModelError, status: Option<u16>) -> ModelError {
    let words = match error {
        ModelError::Authentication { message } | ModelError::QuotaExhausted { message, .. } => {
            message.clone()
        }
        other => other.to_string(),
    };
    let message = format!("the provider refuses this request although the key works: {words}");
    // An error in a stream has no status of its own.
    ModelError::InvalidRequest { status: status.filter(|status| *status >= 400).unwrap_or(403), message }
}

/// Returns true for errors of servers that require a key: some fail over its absence.
const fn may_want_a_key(error: &ModelError) -> bool {
    matches!(error, ModelError::Authentication { .. } | ModelError::ServerError { status: 500, .. })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use runmill_proto::api::ProviderKind;

    use super::*;
    use crate::{
        keys::Key,
        layer::scripted::{Act, Scripted, ask, policy, secs},
    };

    fn wired(version: i64, scripts: impl IntoIterator<Item = Vec<Act>>) -> Wired<Scripted> {
        let key = Key {
            label: format!("of version {version}").into(),
            weight: 1,
            headers: HeaderMap::new(),
            authorizes: true,
        };
        let identity = Identity { version, connect_timeout: secs(1) };
        let seller = Seller::from(ProviderKind::Custom);
        Wired { identity, keys: Keys::new(vec![key]), seller, inner: Scripted::new(scripts) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_goes_out_by_the_newest_settings() {
        let wiring = Wiring::new(wired(1, [vec![Act::Answer]]));
        ask(&wiring, &policy()).await.unwrap();

        wiring.replace(wired(2, [vec![Act::Answer]]));
        wiring.replace(wired(1, []));
        ask(&wiring, &policy()).await.unwrap();

        assert_eq!(wiring.now().identity.version, 2);
    }

    fn refused() -> ModelError {
        ModelError::Authentication { message: "no".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_usable_key_no_request_is_made() {
        let spent = ModelError::QuotaExhausted { message: "spent".into(), after: None };
        let wiring = Wiring::new(wired(1, [vec![Act::Fail(spent.clone())]]));

        let first = ask(&wiring, &policy()).await;
        let second = ask(&wiring, &policy()).await;

        assert_eq!((first, second), (Err(spent.clone()), Err(spent)));
        assert_eq!(wiring.now().inner.forms().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_without_a_key_says_that_none_was_sent() {
        let failed = |status| ModelError::ServerError { status, message: "no".into(), after: None };
        let keyless = || {
            let mut wired = wired(
                1,
                [vec![Act::Fail(refused())], vec![Act::Fail(failed(500))], vec![Act::Fail(failed(502))]],
            );
            let key = Key { label: "".into(), weight: 1, headers: HeaderMap::new(), authorizes: false };
            wired.keys = Keys::new(vec![key]);
            Wiring::new(wired)
        };
        let wiring = keyless();

        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(ask(&wiring, &policy()).await.unwrap_err().to_string().contains("no key was sent"));
        }

        assert_eq!(told, [true, true, false]);
    }
}
