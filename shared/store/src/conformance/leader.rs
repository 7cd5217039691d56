use super::Stores;

pub async fn one_leads_until_it_releases(stores: &Stores) {
    let lead = stores.one.try_lead().await.unwrap().unwrap();
    assert!(lead.is_held());
    assert!(stores.other.try_lead().await.unwrap().is_none());
    assert!(stores.one.try_lead().await.unwrap().is_none());

    lead.release().await;

    assert!(stores.other.try_lead().await.unwrap().is_some());
}

pub async fn a_lead_that_is_dropped_is_free(stores: &Stores) {
    drop(stores.one.try_lead().await.unwrap().unwrap());

    // The server may take a moment to notice that the connection is gone.
    let taken = async {
        loop {
            if let Some(lead) = stores.other.try_lead().await.unwrap() {
                break lead;
            }
            tokio::task::yield_now().await;
        }
    };
    let lead = tokio::time::timeout(std::time::Duration::from_secs(10), taken).await.unwrap();
    assert!(lead.is_held());
}
