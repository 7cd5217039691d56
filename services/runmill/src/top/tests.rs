use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::{Terminal, backend::TestBackend};
use runmill_proto::{
    ProviderId, RunStatus,
    api::{
        BudgetLeft, BudgetUnit, ExecutorLane, ExecutorRun, ExecutorShare, ExecutorStatus, LimitUse,
        ProviderLimits, Run, RunCounters, ScopeLimits,
    },
    lease::{Cooldown, Resource, Signals},
};
use uuid::Uuid;

use super::{
    page::{Action, Page},
    snapshot::{Lane, Snapshot},
};
use crate::run::testing;

const PROVIDER: ProviderId = ProviderId::from_uuid(Uuid::nil());

fn at(second: i64) -> Timestamp {
    "2026-01-01T10:20:30Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
}

fn limit(resource: Resource, stated: f64, granted: f64) -> LimitUse {
    LimitUse {
        resource,
        stated: Some(stated),
        adaptive: None,
        burst: None,
        granted,
        withheld: 0.0,
        wanted: stated,
        in_flight: (resource == Resource::Concurrency).then_some(5),
    }
}

fn lane(name: &str, answered: u64, second: i64) -> Lane {
    let share = ExecutorShare {
        name: "host-1-ab".into(),
        lease_ends_at: at(second + 12),
        waiting: 4,
        shares: Vec::new(),
        attempts: Signals { answered, refused: 3, ..Signals::default() },
    };
    let account = ScopeLimits {
        limits: vec![limit(Resource::Concurrency, 8.0, 7.0), limit(Resource::CallsPerMinute, 60.0, 45.0)],
        waiting: 4,
        executors: vec![share],
        ..ScopeLimits::default()
    };
    let limits = ProviderLimits {
        provider_id: PROVIDER,
        now: at(second),
        account,
        models: [("small".to_owned(), ScopeLimits::default())].into(),
        budgets: Vec::new(),
    };
    Lane { provider_id: PROVIDER, name: name.into(), limits: Some(limits) }
}

fn executor(name: &str) -> ExecutorStatus {
    let lane =
        ExecutorLane { provider_id: PROVIDER, concurrency: 8, in_flight: 5, keys: vec![], fault: None };
    ExecutorStatus {
        started_at: at(-60),
        draining: true,
        lanes: vec![lane],
        runs: vec![ExecutorRun { run_id: testing::run().id, jobs: 9 }],
        ..runmill_proto::testing::executor(name, at(-1))
    }
}

fn run(settled: u64) -> Run {
    let counters =
        RunCounters { total: 200, fed: 200, settled, succeeded: settled, ..RunCounters::default() };
    Run { status: RunStatus::Running, counters, cost_usd: Some(0.25), ..testing::run() }
}

fn snapshot(second: i64, answered: u64, settled: u64) -> Snapshot {
    Snapshot {
        now: at(second),
        lanes: vec![lane("openai", answered, second)],
        executors: vec![executor("host-1-ab")],
        runs: vec![run(settled)],
    }
}

fn press(page: &mut Page, code: KeyCode) -> Action {
    page.act_on(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// Returns the page's text on a terminal of this size.
fn drawn(page: &mut Page, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| page.render(frame)).unwrap();
    terminal.backend().to_string()
}

#[track_caller]
fn assert_has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}

#[test]
fn lanes_executors_and_runs_are_shown_with_their_rates() {
    let mut page = Page::new("http://x:1", snapshot(0, 100, 40));
    page.take(Ok(snapshot(2, 120, 50)));

    let text = drawn(&mut page, 160, 30);

    assert_has(&text, &["runmill http://x:1", "executors: 1", "active runs: 1", "lanes (2)", "runs (1)"]);
    assert_has(&text, &["openai               5         7       8       4       10.0    3"]);
    assert_has(&text, &["waiting for 60 calls a minute of provider openai; rpm 45 of 60 granted"]);
    assert_has(&text, &["  small", "host-1-ab", "3 s ago  9      5         0.1.0    draining"]);
    assert_has(&text, &["running    50/200  25 %      0       5.0     $0.2500    waiting for 60 calls"]);
}

#[test]
fn a_cooldown_and_a_budget_are_told_with_their_rest() {
    let mut cooled = snapshot(0, 0, 0);
    let limits = cooled.lanes[0].limits.as_mut().unwrap();
    limits.account.cooldown = Some(Cooldown { until: at(12), reason: "429 slow down".into() });
    let budget = BudgetLeft { unit: BudgetUnit::Tokens, limit: 900.0, left: 250.0, refills_at: at(60) };
    limits.budgets.push(budget);

    let text = drawn(&mut Page::new("x", cooled), 200, 30);

    assert_has(&text, &["cooldown for 12 s: 429 slow down", "250 of 900 tokens left today"]);
}

#[test]
fn an_api_that_is_away_leaves_the_last_state_until_it_is_back() {
    let mut page = Page::new("http://x:1", snapshot(0, 0, 40));
    page.take(Err("could not reach runmill at http://x:1".into()));

    let away = drawn(&mut page, 140, 30);
    assert_has(
        &away,
        &["could not reach runmill at http://x:1; trying again", "2026-01-01T10:20:30Z", "40/200"],
    );

    page.take(Ok(snapshot(2, 0, 41)));
    let back = drawn(&mut page, 140, 30);
    assert_has(&back, &["41/200"]);
    assert!(!back.contains("trying again"), "{back}");
}

#[test]
fn a_small_terminal_shows_the_table_with_the_focus() {
    let mut page = Page::new("http://x:1", snapshot(0, 0, 40));
    let shown = |page: &mut Page| {
        let text = drawn(page, 60, 10);
        ["lanes (", "executors (", "runs ("].map(|title| text.contains(title))
    };

    assert_eq!(shown(&mut page), [true, false, false]);
    press(&mut page, KeyCode::Tab);
    assert_eq!(shown(&mut page), [false, true, false]);
    press(&mut page, KeyCode::Right);
    assert_eq!(shown(&mut page), [false, false, true]);
    press(&mut page, KeyCode::Left);
    press(&mut page, KeyCode::BackTab);
    assert_eq!(shown(&mut page), [true, false, false]);
    for (width, height) in [(1, 1), (1, 60), (300, 2), (20, 3), (5, 16)] {
        drawn(&mut page, width, height);
    }
}

#[test]
fn a_long_table_scrolls_with_the_keys() {
    let mut many = snapshot(0, 0, 0);
    many.executors = (0..40).map(|n| executor(&format!("host-{n:02}"))).collect();
    let mut page = Page::new("x", many);
    press(&mut page, KeyCode::Tab);
    assert!(!drawn(&mut page, 100, 24).contains("host-39"));

    press(&mut page, KeyCode::End);
    assert_has(&drawn(&mut page, 100, 24), &["host-39", "executors (40)", "lanes (2)", "runs (1)"]);
    press(&mut page, KeyCode::Home);
    let text = drawn(&mut page, 100, 24);
    assert!(text.contains("host-00") && !text.contains("host-39"), "{text}");
}

#[test]
fn q_escape_and_control_c_quit() {
    let mut page = Page::new("x", snapshot(0, 0, 0));
    let interrupt = Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert_eq!(page.act_on(&interrupt), Action::Quit);
    assert_eq!(page.act_on(&Event::Resize(80, 24)), Action::Stay);
    for (code, want) in [
        (KeyCode::Char('q'), Action::Quit),
        (KeyCode::Esc, Action::Quit),
        (KeyCode::Char('c'), Action::Stay),
        (KeyCode::PageDown, Action::Stay),
    ] {
        assert_eq!(press(&mut page, code), want, "{code:?}");
    }
}

#[test]
fn a_server_without_leased_limits_has_lanes_without_numbers() {
    let mut old = snapshot(0, 0, 0);
    old.lanes[0].limits = None;

    assert_has(&drawn(&mut Page::new("x", old), 100, 30), &["openai", "lanes (1)"]);
}
