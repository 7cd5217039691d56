//! Settings that runmill's statements depend on, and that a server, a role or a database may have set otherwise: bounds for
//! a statement, for a lock and for a forgotten transaction, which would stop all others of a run, and a commit that is on
//! disk before it is reported, because messages are acked after it. A stricter commit, as for standby servers, is kept.
//! JIT compilation is off: the planner takes tables of a few rows that change all the time for large ones, and compiling a
//! heartbeat's statement takes seconds, where running it takes less than a millisecond.

/// Options of a connection that is a session of the server, from its first statement on.
pub const OPTIONS: &str =
    "-c statement_timeout=5min -c lock_timeout=1min -c idle_in_transaction_session_timeout=1min -c jit=off";

/// Completes [`OPTIONS`] in a new session.
pub const SET_IN_SESSION: &str = "\
SELECT /* session.set */ set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'";

/// Sets all of it until the transaction ends, in a session that a pooler gives to others afterwards.
pub const SET_IN_TRANSACTION: &str = "\
SELECT /* session.set_local */ set_config('statement_timeout', '5min', true),
    set_config('lock_timeout', '1min', true),
    set_config('idle_in_transaction_session_timeout', '1min', true),
    set_config('jit', 'off', true),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
        ELSE current_setting('synchronous_commit') END, true)";
