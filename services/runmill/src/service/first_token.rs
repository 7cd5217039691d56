use jiff::Timestamp;
use runmill_proto::Role;
use runmill_store::{TokenRow, Tokens};

use crate::exit::usage;

/// Number of tokens that one query reads.
const PAGE: u32 = 1_000;

/// Returns an error unless the store has a token by which tokens can be created: without one, nobody could use the API.
pub async fn require_admin(store: &(impl Tokens + ?Sized), now: Timestamp) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = store.tokens(None, after, PAGE).await?;
        if page.iter().any(|row| is_admin_of_all(row, now)) {
            return Ok(());
        }
        after = page.last().map(|row| row.id);
        if page.len() < PAGE as usize {
            return usage(
                "RUNMILL_TOKENS is not set, and the database has no valid token of an admin of all tenants: \
                 set it for the first start, and create tokens with `runmill tokens create`",
            );
        }
    }
}

fn is_admin_of_all(row: &TokenRow, now: Timestamp) -> bool {
    let is_valid = row.revoked_at.is_none() && row.expires_at.is_none_or(|at| at > now);
    row.role == Role::Admin && row.tenant.is_none() && is_valid
}
