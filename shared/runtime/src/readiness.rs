use std::sync::Arc;

type Check = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What must be well for this process to be of use: named checks, asked one by one.
#[derive(Clone, Default)]
pub struct Readiness(Vec<(&'static str, Check)>);

/// A part that is not ready, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unready {
    pub part: &'static str,
    pub reason: String,
}

impl Readiness {
    /// `check` is called on every request for `/readyz`: it reads a state, and does not wait.
    /// What it says as its reason is public.
    pub fn add(
        &mut self,
        part: &'static str,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.0.push((part, Arc::new(check)));
    }

    /// Every part that is not ready now; empty: all are.
    pub fn unready(&self) -> Vec<Unready> {
        let ask = |(part, check): &(&'static str, Check)| match check() {
            Ok(()) => None,
            Err(reason) => Some(Unready { part, reason }),
        };
        self.0.iter().filter_map(ask).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_is_not_ready_is_named() {
        let mut readiness = Readiness::default();
        assert_eq!(readiness.unready(), []);

        readiness.add("broker", || Err("connection refused".into()));
        readiness.add("store", || Ok(()));
        readiness.add("leases", || Err("none yet".into()));

        let parts: Vec<_> = readiness.unready().into_iter().map(|it| (it.part, it.reason)).collect();
        assert_eq!(parts, [("broker", "connection refused".into()), ("leases", "none yet".into())]);
    }
}
