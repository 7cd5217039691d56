use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runmill_proto::{RunId, TokenId};
use runmill_store::TokenBudget;
use tokio::time::Instant;

/// Time for which a client's call draws on a token's budget without another look at the store.
const NEW_FOR: Duration = Duration::from_secs(5);
/// Number of tokens that are kept. Beyond it the one that was read first is forgotten.
const KEPT_MAX: usize = 1_000;

/// Token on whose budget a call draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spender {
    /// The token that submitted the run, for a job.
    OfRun(RunId),
    /// The token of a client, whatever run its call is charged to. `None` for a token that the server was started with,
    /// which has no budget.
    OfClient(Option<TokenId>),
}

/// Budgets of the tokens of clients, as the store had them last.
#[derive(Default)]
pub struct TokenBudgets(Mutex<HashMap<TokenId, Known>>);

struct Known {
    /// `None` for a token without a budget.
    budget: Option<Arc<TokenBudget>>,
    read_at: Instant,
}

impl TokenBudgets {
    pub fn get(&self, id: TokenId) -> Option<Arc<TokenBudget>> {
        self.lock().get(&id)?.budget.clone()
    }

    /// Returns true if no call needs to read the budget first.
    pub fn is_new(&self, id: TokenId) -> bool {
        self.lock().get(&id).is_some_and(|known| known.read_at.elapsed() < NEW_FOR)
    }

    pub fn insert(&self, id: TokenId, budget: Option<TokenBudget>) {
        let mut known = self.lock();
        if known.len() >= KEPT_MAX && !known.contains_key(&id) {
            let oldest = known.iter().min_by_key(|(_, known)| known.read_at).map(|(id, _)| *id);
            oldest.map(|id| known.remove(&id));
        }
        known.insert(id, Known { budget: budget.map(Arc::new), read_at: Instant::now() });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::Budget;
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    fn id(number: usize) -> TokenId {
        TokenId::from_uuid(Uuid::from_u128(number as u128))
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_is_read_again_after_a_while_and_the_oldest_is_forgotten() {
        let (budgets, token) = (TokenBudgets::default(), "ci".to_owned());
        let budget = TokenBudget { token_id: id(0), token, budget: Budget::default() };
        assert!(!budgets.is_new(id(0)));
        budgets.insert(id(0), Some(budget.clone()));
        assert!(budgets.is_new(id(0)) && budgets.get(id(0)).as_deref() == Some(&budget));

        advance(NEW_FOR).await;
        assert!(!budgets.is_new(id(0)) && budgets.get(id(0)).is_some());

        (1..=KEPT_MAX).for_each(|number| budgets.insert(id(number), None));
        assert!(budgets.get(id(0)).is_none() && budgets.is_new(id(KEPT_MAX)));
    }
}
