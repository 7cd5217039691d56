use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use refinery::Target;
use runmill_proto::{
    ProviderId,
    api::{ExecutorStatus, Settings},
    lease::{Scope, Share},
};
use runmill_store::{
    Beat, Claim, Exchange as _, SettingsReader as _, SettingsWriter as _, SharedStore, StoreError, Talk,
    conformance::Stores,
    sqlite::{OpenMode, SqliteStore, back_up},
};
use tempfile::TempDir;

use crate::upgrade;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Creates a file for each test.
async fn stores() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let store: SharedStore = Arc::new(open(&directory).await.unwrap());
    Stores::new(store.clone(), store, directory)
}

async fn open(directory: &TempDir) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(directory.path().join("runmill.db")).await
}

runmill_store::store_conformance!(stores());

#[tokio::test]
async fn a_file_is_open_in_one_place_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory).await.unwrap();

    let error = open(&directory).await.err().unwrap();
    assert!(
        matches!(&error, StoreError::Conflict(text) if text.contains("another runmill process")),
        "{error}"
    );

    drop(first);
    open(&directory).await.unwrap();
}

/// Without its lock, a command that ends would remove the log of the commands beside it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_new_file_stays_locked_for_other_processes() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runmill.db");
    let store = SqliteStore::open_as(&path, OpenMode::Shared).await.unwrap();
    store.reserve_space().await.unwrap();

    let inode = std::fs::metadata(&path).unwrap().ino();
    let (locks, id) = (std::fs::read_to_string("/proc/locks").unwrap(), std::process::id().to_string());
    let is_own =
        |line: &&str| line.contains(&format!(":{inode} ")) && line.split_whitespace().any(|word| word == id);
    assert!(locks.lines().any(|line| is_own(&line)), "{locks}");
    drop(store);
}

#[tokio::test]
async fn a_shared_file_is_open_in_several_places_and_each_works_on_what_it_claimed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runmill.db");
    let shared = async || SqliteStore::open_as(&path, OpenMode::Shared).await;
    let (first, second) = (shared().await.unwrap(), shared().await.unwrap());

    assert!(first.claim("run").unwrap() && first.claim("run").unwrap());
    assert!(!second.claim("run").unwrap());
    first.put_settings(&Settings::default()).await.unwrap();
    assert_eq!(second.settings().await.unwrap().1, 1);
    let error = open(&directory).await.err().unwrap();
    assert!(matches!(&error, StoreError::Conflict(text) if text.contains("another runmill")), "{error}");

    drop(first);
    assert!(second.claim("run").unwrap(), "the claims of a process end with it");
    drop(second);
    let alone = open(&directory).await.unwrap();
    let error = shared().await.err().unwrap();
    assert!(matches!(&error, StoreError::Conflict(text) if text.contains("--server")), "{error}");
    drop(alone);
}

#[tokio::test]
async fn commands_that_share_a_file_share_limits_while_they_are_alive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runmill.db");
    let shared = async || SqliteStore::open_as(&path, OpenMode::Shared).await.unwrap();
    let (first, second) = (shared().await, shared().await);
    let beat = |name: &str, claim| Beat { status: status(name), talk: Talk::default(), claim };
    let share = Share::default();
    let claim = Claim {
        number: 1,
        leases: [(Scope::account(ProviderId::from_uuid(upgrade::ID)), share)].into(),
        valid_for: Duration::from_mins(5),
        ..Claim::default()
    };
    assert!(first.exchange(&beat("first", claim)).await.unwrap().accepted);

    let read = second.exchange(&beat("second", Claim::default())).await.unwrap();
    let holders: Vec<_> = read.fleet.holders.iter().map(|holder| &*holder.name).collect();
    assert_eq!((holders, read.peers), (vec!["first"], vec![]));

    drop(first);
    let read = second.exchange(&beat("second", Claim::default())).await.unwrap();
    assert_eq!(read.fleet.holders, [], "its calls ended with the process");
}

fn status(name: &str) -> ExecutorStatus {
    runmill_proto::testing::executor(name, Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await.unwrap();
    store.put_settings(&Settings::default()).await.unwrap();
    drop(store);

    assert_eq!(open(&directory).await.unwrap().settings().await.unwrap().1, 1);
}

#[tokio::test]
async fn an_unfinished_upload_is_removed_when_the_file_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory).await.unwrap());
    let path = directory.path().join("runmill.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    let crash = "INSERT INTO uploads VALUES (zeroblob(16)); INSERT INTO dataset_items VALUES (zeroblob(16), 0, 'q', '{}');";
    db.execute_batch(crash).unwrap();

    let _store = open(&directory).await.unwrap();

    for table in ["uploads", "dataset_items"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(db.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn what_an_older_runmill_wrote_is_read_with_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = rusqlite::Connection::open(directory.path().join("runmill.db")).unwrap();
    let older = embedded::migrations::runner().set_target(Target::Version(upgrade::BEFORE));
    older.run(&mut db).unwrap();
    let id = format!("x'{}'", upgrade::ID.simple());
    db.execute_batch(&upgrade::rows(&id, "x'01'", "0")).unwrap();

    let store = open(&directory).await.unwrap();

    upgrade::assert_read_with_defaults(&store).await;
}

#[tokio::test]
async fn a_file_of_a_newer_runmill_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory).await.unwrap());
    let db = rusqlite::Connection::open(directory.path().join("runmill.db")).unwrap();
    db.execute_batch(&upgrade::newer("refinery_schema_history")).unwrap();

    let error = open(&directory).await.err().unwrap();

    assert!(matches!(error, StoreError::NewerSchema { found: 9000, .. }), "{error}");
}

/// A process of this release can open a file to which the next one has added, alone or beside others.
#[tokio::test]
async fn a_file_to_which_a_newer_runmill_has_added_is_used() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory).await.unwrap());
    let path = directory.path().join("runmill.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(&upgrade::newer("schema_additions")).unwrap();

    let first = SqliteStore::open_as(&path, OpenMode::Shared).await.unwrap();
    let second = SqliteStore::open_as(&path, OpenMode::Shared).await.unwrap();

    assert_eq!((first.settings().await.unwrap().1, second.settings().await.unwrap().1), (0, 0));
}

#[test]
fn each_migration_says_if_it_is_additive() {
    upgrade::assert_kinds_are_told(embedded::migrations::runner().get_migrations());
}

/// A copy is of one moment: it has a whole number of the transactions of a process that goes on writing.
#[tokio::test]
async fn a_file_is_backed_up_while_a_process_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await.unwrap();
    let (from, to) = (directory.path().join("runmill.db"), directory.path().join("copy.db"));
    let writing = async {
        for _ in 0..200 {
            store.put_settings(&Settings::default()).await.unwrap();
        }
    };

    let (copied, ()) = tokio::join!(back_up(&from, &to), writing);

    copied.unwrap();
    let restored = SqliteStore::open(&to).await.unwrap();
    let (copied, written) = (restored.settings().await.unwrap().1, store.settings().await.unwrap().1);
    assert!(copied <= written && written == 200, "{copied} of {written}");
    let error = back_up(&from, &to).await.unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");
}
