use std::time::Duration;

use super::Stores;
use crate::{Lead, Store};

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(5);
/// A lease that a test lets end.
const SHORT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub async fn one_leads_until_it_releases(stores: &Stores) {
    assert!(!stores.other.is_led().await.unwrap());
    let lead = stores.one.try_lead(LONG).await.unwrap().unwrap();
    assert!(lead.is_held());
    assert!(stores.other.is_led().await.unwrap());
    assert!(stores.other.try_lead(LONG).await.unwrap().is_none());
    assert!(stores.one.try_lead(LONG).await.unwrap().is_none());

    lead.release().await;

    assert!(!lead.is_held() && !lead.renew().await.unwrap());
    assert!(!stores.other.is_led().await.unwrap());
    assert!(stores.other.try_lead(LONG).await.unwrap().is_some());
}

pub async fn a_lease_that_is_not_renewed_is_taken_over(stores: &Stores) {
    let lead = stores.one.try_lead(SHORT).await.unwrap().unwrap();

    let other = wait_for_lead(&*stores.other).await;

    // The first leader knows by its own clock that it no longer leads, and cannot come back.
    assert!(!lead.is_held() && !lead.renew().await.unwrap());
    lead.release().await;
    assert!(other.is_held() && other.renew().await.unwrap());
}

pub async fn a_lease_lasts_while_it_is_renewed(stores: &Stores) {
    let lead = stores.one.try_lead(SHORT).await.unwrap().unwrap();
    let begin = std::time::Instant::now();
    while begin.elapsed() < 3 * SHORT {
        if !lead.renew().await.unwrap() {
            // Only a machine that stood still for the whole lease may lose it.
            return;
        }
        assert!(stores.other.try_lead(SHORT).await.unwrap().is_none() || !lead.is_held());
    }
}

pub async fn each_lead_has_a_greater_term(stores: &Stores) {
    let mut last = 0;
    for store in [&stores.one, &stores.other, &stores.one] {
        let lead = store.try_lead(LONG).await.unwrap().unwrap();
        assert!(lead.term() > last, "{} after {last}", lead.term());
        last = lead.term();
        lead.release().await;
    }
}

async fn wait_for_lead(store: &dyn Store) -> Box<dyn Lead> {
    let taken = async {
        loop {
            if let Some(lead) = store.try_lead(LONG).await.unwrap() {
                break lead;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, taken).await.unwrap()
}
