//! The lead ends with the session of its process.

use std::time::Duration;

use runmill_store::{Lead, Leader as _, postgres::PgStore};
use runmill_testkit::{
    PgBouncer,
    postgres::{TestDatabase, texts},
};

use crate::postgres::connect;

/// A lease that ends after the test.
const LONG: Duration = Duration::from_mins(5);

async fn taken(store: &PgStore) -> Box<dyn Lead> {
    let taking = async {
        loop {
            if let Some(lead) = store.try_lead(LONG).await.unwrap() {
                break lead;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), taking).await.expect("the lead is free")
}

/// Ends the session in which the lead was taken, as the death of its process does. Returns the number of sessions.
async fn end_session(database: &TestDatabase) -> usize {
    let ended = "SELECT pg_terminate_backend(session_pid)::text FROM lead WHERE session_pid IS NOT NULL";
    texts(database.url(), ended).await.len()
}

#[tokio::test]
async fn a_lead_ends_with_the_session_of_its_process() {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);
    one.migrate().await.unwrap();
    let lead = taken(&one).await;
    assert!(other.try_lead(LONG).await.unwrap().is_none());

    assert_eq!(end_session(&database).await, 1);
    let next = taken(&other).await;

    assert_eq!(next.term(), lead.term() + 1);
    assert!(!lead.renew().await.is_ok_and(|renewed| renewed) && !lead.is_held());
    lead.release().await;
    assert!(next.is_held() && next.renew().await.unwrap());
}

#[tokio::test]
async fn a_leader_that_loses_its_session_leads_on_in_another() {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);
    one.migrate().await.unwrap();
    let lead = taken(&one).await;
    let sessions = "SELECT session_pid::text FROM lead";
    let before = texts(database.url(), sessions).await;

    assert_eq!(end_session(&database).await, 1);
    let renewing = async {
        // The first tries may still use the session that has ended.
        while !lead.renew().await.is_ok_and(|renewed| renewed) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewing).await.expect("it connects again");

    assert_ne!(texts(database.url(), sessions).await, before);
    assert!(lead.is_held() && other.try_lead(LONG).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_counts_only_for_the_lead_that_was_taken_in_it() {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);
    one.migrate().await.unwrap();
    let _lead = taken(&one).await;
    // A process of the release before takes the lead, and knows nothing of sessions.
    texts(database.url(), "UPDATE lead SET term = term + 1 RETURNING term::text").await;

    assert_eq!(end_session(&database).await, 1);

    assert!(other.try_lead(LONG).await.unwrap().is_none());
}

#[tokio::test]
async fn behind_a_pooler_a_lead_has_no_session() {
    let database = TestDatabase::create().await;
    let bouncer = PgBouncer::launch(database.url());
    let store = connect(&bouncer.url_of(database.url())).await;
    store.migrate().await.unwrap();
    let lead = taken(&store).await;

    assert!(lead.renew().await.unwrap());
    let sessions = "SELECT concat(session_pid, session_term) FROM lead";
    assert_eq!(texts(database.url(), sessions).await, [""]);
    assert!(lead.is_held());
}
