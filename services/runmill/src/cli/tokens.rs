use clap::{Args, Subcommand, ValueEnum};
use runmill_proto::{ProviderId, Range, Role, Tenant, TokenId};

use super::{budget::BudgetArg, number::within, server::ServerArgs};

/// Range of the number of days for which a token is valid.
const TOKEN_DAYS: Range<u32> = Range::new(1, 3_650);

#[derive(Args)]
pub struct TokensArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: TokensAction,
}

#[derive(Subcommand)]
pub enum TokensAction {
    /// Create a token, and print it once: it cannot be shown again
    Create(NewTokenArgs),
    /// List all tokens, also those that have expired or were revoked
    List,
    /// Change the budget of a token; runs that waited for it resume
    Set {
        /// ID of the token
        id: TokenId,
        #[command(flatten)]
        change: TokenChange,
    },
    /// Revoke a token: every server refuses it within five seconds
    Revoke {
        /// ID of the token
        id: TokenId,
    },
}

#[derive(Args)]
pub struct NewTokenArgs {
    /// Name of the token's user, of 1 to 200 characters, which the audit log shows
    pub name: String,
    /// Role: `observe` reads, `submit` also submits runs, `admin` also changes providers and tokens
    #[arg(long, value_enum)]
    pub role: RoleArg,
    /// Tenant, whose runs, datasets and providers the token sees (default: the tenant of the token that creates it, or
    /// `default`)
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<Tenant>,
    /// Make a token that sees all tenants
    #[arg(long, conflicts_with = "tenant")]
    pub all_tenants: bool,
    /// ID of a provider that the token may use; without the option, it may use all of its tenant. May be given several times
    #[arg(long, value_name = "ID")]
    pub provider: Vec<ProviderId>,
    /// Largest use of all runs that the token submits: a number and its unit, as in 5usd, 100000tokens or 200calls. May be
    /// given several times. When a budget is used up, the runs are paused
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    pub budget: Vec<BudgetArg>,
    /// Number of days after which the token expires, from 1 to 3650; without the option, it does not expire
    #[arg(long, value_name = "N", value_parser = within(TOKEN_DAYS), allow_negative_numbers = true)]
    pub days: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct TokenChange {
    /// New budget: a number and its unit, as in 5usd, 100000tokens or 200calls. May be given several times
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    pub budget: Vec<BudgetArg>,
    /// Remove the budget
    #[arg(long)]
    pub no_budget: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum RoleArg {
    Observe,
    Submit,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Observe => Self::Observe,
            RoleArg::Submit => Self::Submit,
            RoleArg::Admin => Self::Admin,
        }
    }
}
