use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use runmill_pricing::Seller;

use super::{AttemptLayer, Context};
use crate::{ChatResponse, ModelError, keys::Keys};

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
        let lease = match wired.keys.take() {
            Ok(lease) => lease,
            Err(stopped) => {
                cx.tracker.availability(stopped.availability);
                return Err(stopped.reason);
            }
        };
        cx.tracker.chosen(&lease.key().label, wired.seller);
        let answer = wired.inner.attempt(Context { key: Some(lease.key()), ..cx }).await;
        let availability = lease.settle(answer.as_ref().err(), cx.tracker.state().status);
        cx.tracker.availability(availability);
        answer
    }
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
        let key = Key { label: format!("of version {version}").into(), weight: 1, headers: HeaderMap::new() };
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

    #[tokio::test(start_paused = true)]
    async fn without_a_usable_key_no_request_is_made() {
        let refused = ModelError::Authentication { message: "no".into() };
        let wiring = Wiring::new(wired(1, [vec![Act::Fail(refused.clone())]]));

        let first = ask(&wiring, &policy()).await;
        let second = ask(&wiring, &policy()).await;

        assert_eq!((first, second), (Err(refused.clone()), Err(refused)));
        assert_eq!(wiring.now().inner.forms().len(), 1);
    }
}
