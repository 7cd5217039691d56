use std::{fs, time::Duration};

use runmill_sandbox::{Limits, Program, Sandbox, Settings, Tool, Unavailable, Verdict};
use tokio::{sync::OnceCell, time};

/// Tests that pass if the answer's `f` returns what `expected` is in Python.
pub fn expects(code: &str, expected: &str) -> Program {
    Program {
        code: code.to_owned(),
        tests: format!("def check(candidate):\n    assert candidate() == {expected}, candidate()\n"),
        entry_point: Some("f".to_owned()),
        ..Program::default()
    }
}

pub fn settings() -> Settings {
    Settings { limits: Limits { wall: Duration::from_mins(1), ..Limits::default() }, ..Settings::default() }
}

/// Returns a sandbox of each tool that is installed. Which these are is found out once.
///
/// # Panics
///
/// If there is none, or if one contains nothing here: these tests would pass without having tested.
pub async fn sandboxes(limits: &Limits) -> Vec<Sandbox> {
    static FOUND: OnceCell<Vec<Sandbox>> = OnceCell::const_new();
    let found = FOUND.get_or_init(detected).await;
    assert!(!found.is_empty(), "neither bubblewrap nor unshare is installed: apt-get install bubblewrap");
    found.iter().map(|sandbox| sandbox.clone().with_limits(limits.clone())).collect()
}

async fn detected() -> Vec<Sandbox> {
    let mut found = Vec::new();
    for tool in [Tool::Bubblewrap, Tool::Unshare] {
        match Sandbox::detect(Settings { tools: vec![tool], ..settings() }).await {
            Ok(sandbox) => found.push(sandbox),
            Err(Unavailable::NoTool { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    found
}

/// Runs the program in a sandbox of each tool, and checks that every verdict is as wanted.
pub async fn check(limits: Limits, program: &Program, is_wanted: impl Fn(&Verdict) -> bool) {
    for sandbox in sandboxes(&limits).await {
        let verdict = sandbox.run(program).await;
        assert!(is_wanted(&verdict), "{}: {verdict:?} of\n{}", sandbox.tool(), program.code);
    }
}

pub async fn passes(code: &str, expected: &str) {
    check(settings().limits, &expects(code, expected), |verdict| *verdict == Verdict::Passed).await;
}

pub async fn fails(program: &Program, reason: &str) {
    let has_reason =
        |verdict: &Verdict| matches!(verdict, Verdict::Failed { reason: told } if told.contains(reason));
    check(settings().limits, program, has_reason).await;
}

/// Waits until no process of this machine has `word` in its command line.
pub async fn until_gone(word: &str) {
    let gone = async {
        let mut looks = time::interval(Duration::from_millis(5));
        while is_running(word) {
            looks.tick().await;
        }
    };
    time::timeout(Duration::from_secs(30), gone).await.expect("the processes of the sandbox end");
}

/// Waits until a process of this machine has `word` in its command line.
pub async fn until_running(word: &str) {
    let mut looks = time::interval(Duration::from_millis(5));
    while !is_running(word) {
        looks.tick().await;
    }
}

pub fn is_running(word: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("a Linux").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(word))
}
