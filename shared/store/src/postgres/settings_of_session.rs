//! Settings that runmill's statements depend on, and that a server, a role or a database may have set otherwise.

/// End of the settings' effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The session's end, for a session that is runmill's own.
    SessionEnd,
    /// The transaction's end, for a session that a pooler gives to others afterwards.
    Commit,
}

/// Returns the statement that sets them: bounds for a lock and for a forgotten transaction, which would stop all others of a
/// run; no time limit that ends a statement early; and a commit that is on disk before it is reported, because messages
/// are acked after it. A stricter commit, as for standby servers, is kept.
pub fn set(until: Until) -> String {
    let is_local = until == Until::Commit;
    format!(
        "SELECT /* session.set */ set_config('statement_timeout', '5min', {is_local}),
    set_config('lock_timeout', '1min', {is_local}),
    set_config('idle_in_transaction_session_timeout', '1min', {is_local}),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
        ELSE current_setting('synchronous_commit') END, {is_local})"
    )
}
