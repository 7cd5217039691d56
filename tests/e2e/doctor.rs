//! `runmill doctor` says what is right, what is wrong, and how to correct it.

use runmill_testkit::{
    amqp_url,
    postgres::{TestDatabase, texts},
    unique_prefix,
};

use crate::support::{Command, Sandbox};

const KEY: &str = "d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0d0c0";

/// Returns the command's exit code, standard output and standard error.
async fn doctor(command: Command) -> (Option<i32>, String, String) {
    let output = command.output().await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Returns the names of the checks that passed, and of those that failed.
fn checks(printed: &str) -> (Vec<&str>, Vec<&str>) {
    let of = |mark| {
        let lines = printed.lines().filter_map(move |line| line.strip_prefix(mark));
        lines.filter_map(|line| line.split_once(':').map(|(what, _)| what)).collect()
    };
    (of("ok    "), of("FAIL  "))
}

#[tokio::test]
async fn with_everything_right_it_says_so() {
    let (sandbox, database) = (Sandbox::new().await, TestDatabase::create().await);
    let command =
        sandbox.runmill(&["doctor"]).env("DATABASE_URL", database.url()).env("AMQP_URL", &amqp_url());
    let command =
        command.env("RUNMILL_QUEUE_PREFIX", &unique_prefix()).env("RUNMILL_QUEUE_EXPIRES_SECONDS", "60");

    let (code, printed, said) = doctor(command.env("ENCRYPTION_KEY", KEY)).await;

    assert_eq!(code, Some(0), "{printed}{said}");
    assert_eq!(
        checks(&printed),
        (vec!["settings", "encryption key", "database", "broker", "open files"], vec![]),
        "{printed}"
    );
}

#[tokio::test]
async fn with_nothing_set_a_standalone_process_is_all_right() {
    let (code, printed, said) = doctor(Sandbox::new().await.runmill(&["doctor"])).await;
    assert_eq!((code, checks(&printed).1), (Some(0), vec![]), "{printed}{said}");
}

#[tokio::test]
async fn with_both_servers_away_it_names_both_and_what_to_do() {
    let command = Sandbox::new().await.runmill(&["doctor"]);
    let command = command.env("DATABASE_URL", "postgresql://me:hunter2hunter2@127.0.0.1:1/runmill");
    let command = command.env("AMQP_URL", "amqp://me:hunter2hunter2@127.0.0.1:1/%2f");

    let (code, printed, said) = doctor(command).await;

    assert_eq!(code, Some(3), "{printed}{said}");
    assert_eq!(checks(&printed).1, ["database", "broker"], "{printed}");
    assert!(printed.contains("correct DATABASE_URL") && printed.contains("correct AMQP_URL"), "{printed}");
    assert!(
        said.contains("127.0.0.1:1") && !said.contains("hunter2") && !printed.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn with_every_setting_wrong_it_names_them_all() {
    let wrong = [
        ("ENCRYPTION_KEY", "5ec7e7"),
        ("RUNMILL_LISTEN", "everywhere"),
        ("RUNMILL_LOG_PARTITIONS", "0"),
        ("RUNMILL_TOKENS", "root:5ec7e75ec7e75ec7e7"),
        ("APP_LOG_LEVEL", "loud"),
    ];
    let command = Sandbox::new().await.runmill(&["doctor"]);
    let command = wrong.iter().fold(command, |command, (name, value)| command.env(name, value));

    let (code, printed, said) = doctor(command).await;

    assert_eq!((code, checks(&printed).1), (Some(2), vec!["settings"]), "{printed}{said}");
    for (name, _) in wrong {
        assert!(said.contains(name), "{name} is not named: {said}");
    }
    assert!(!said.contains("5ec7e7"), "{said}");
}

/// Returns a doctor's command for the shared broker, with queues of its own.
fn on_broker(sandbox: &Sandbox, amqp_url: &str, prefix: &str) -> Command {
    let command = sandbox.runmill(&["doctor"]).env("AMQP_URL", amqp_url);
    command.env("RUNMILL_QUEUE_PREFIX", prefix).env("RUNMILL_QUEUE_EXPIRES_SECONDS", "60")
}

#[tokio::test]
async fn the_brokers_version_is_said_and_so_is_what_surprises() {
    let (sandbox, prefix) = (Sandbox::new().await, unique_prefix());
    let (_, printed, _) = doctor(on_broker(&sandbox, &amqp_url(), &prefix)).await;
    assert!(printed.contains("works: RabbitMQ 3.") || printed.contains("works: RabbitMQ 4."), "{printed}");

    let other = on_broker(&sandbox, &amqp_url(), &prefix).env("RUNMILL_QUEUE_EXPIRES_SECONDS", "90");
    let (code, printed, said) = doctor(other.env("RUNMILL_LOG_PARTITIONS", "2")).await;

    assert_eq!(code, Some(0), "{printed}{said}");
    for note in ["an expiry of 60 s instead of an expiry of 90 s", "more than 2 partitions"] {
        assert!(
            printed.lines().any(|line| line.starts_with("note  broker") && line.contains(note)),
            "{printed}"
        );
    }
}

#[tokio::test]
async fn faults_of_the_broker_are_told_apart() {
    let (sandbox, prefix) = (Sandbox::new().await, unique_prefix());
    let password = amqp_url().replacen("guest:guest", "guest:hunter2", 1);
    let vhost = amqp_url().replacen("%2f", "nowhere", 1);
    for (url, advice) in [(password, "correct user and password"), (vhost, "create the vhost")] {
        let (code, printed, said) = doctor(on_broker(&sandbox, &url, &prefix)).await;

        assert!(code != Some(0) && printed.contains(advice), "{printed}{said}");
        assert!(!printed.contains("hunter2") && !said.contains("hunter2"), "{printed}{said}");
    }
}

/// Returns what the check of this database prints, and its reason.
async fn doctor_of(url: &str) -> (Option<i32>, String, String) {
    doctor(Sandbox::new().await.runmill(&["doctor"]).env("DATABASE_URL", url)).await
}

#[tokio::test]
async fn it_looks_at_a_database_and_changes_nothing() {
    let database = TestDatabase::create().await;

    let (code, printed, said) = doctor_of(database.url()).await;

    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.contains("empty: run `runmill migrate`"), "{printed}");
    assert!(printed.contains("PostgreSQL 1"), "the version: {printed}");
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(texts(database.url(), tables).await, Vec::<String>::new());
}

#[tokio::test]
async fn its_advice_fits_the_fault_of_the_database() {
    let database = TestDatabase::create().await;
    let (address, name) = database.url().rsplit_once('/').unwrap();

    let (code, printed, _) = doctor_of(&format!("{address}/{name}_elsewhere")).await;
    assert_eq!(code, Some(3), "{printed}");
    assert!(printed.contains("create the database"), "{printed}");

    let (_, printed, said) = doctor_of("postgresql://me@no-such-host.invalid/runmill").await;
    assert!(printed.contains("the host in DATABASE_URL"), "{printed}{said}");
}
