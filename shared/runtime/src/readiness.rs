use std::{fmt::Display, sync::Arc};

use prometheus::{IntGaugeVec, Opts, core::Collector, proto::MetricFamily};

/// A check, which returns the reason if a part is not ready.
type Check = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Named checks that all pass when this process can do its work.
#[derive(Clone, Default)]
pub struct Readiness(Vec<(&'static str, Check)>);

/// A part that is not ready, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unready {
    pub part: &'static str,
    pub reason: String,
}

impl Readiness {
    /// Adds a check, which must not wait, because it is called on every request for `/readyz`. The text of its error
    /// is public.
    pub fn add<E: Display>(
        &mut self,
        part: &'static str,
        check: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) {
        self.0.push((part, Arc::new(move || check().err().map(|error| error.to_string()))));
    }

    /// Returns a gauge with a series for each part: 1 if it is ready now, otherwise 0.
    pub fn metrics(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let name = "runmill_part_ready";
        let gauge = IntGaugeVec::new(Opts::new(name, "1 if this part of the process is ready."), &["part"])?;
        for (part, check) in &self.0 {
            gauge.with_label_values(&[part]).set(i64::from(check().is_none()));
        }
        // A family without a series has no text.
        Ok(gauge.collect().into_iter().filter(|family| !family.get_metric().is_empty()).collect())
    }

    /// Returns every part that is not ready now.
    pub fn unready(&self) -> Vec<Unready> {
        let failed = self.0.iter().filter_map(|(part, check)| Some((*part, check()?)));
        failed.map(|(part, reason)| Unready { part, reason }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_is_not_ready_is_named() {
        let mut readiness = Readiness::default();
        assert_eq!(readiness.unready(), []);

        readiness.add("broker", || Err("connection refused"));
        readiness.add("store", || Ok::<_, &str>(()));
        readiness.add("leases", || Err("none yet"));

        let parts: Vec<_> = readiness.unready().into_iter().map(|it| (it.part, it.reason)).collect();
        assert_eq!(parts, [("broker", "connection refused".into()), ("leases", "none yet".into())]);
    }
}
