//! Faults of a request for a run that do not depend on who asks.

use runmill_proto::{
    ConfigFault, Item, JobConfig, Judge, Scoring,
    api::{Budget, NewRun},
};
use runmill_store::StoreError;

use crate::error::{fault, model_fault, name_fault};

/// Adds a fault if the request refers to something that does not exist. That is an error in the body (400) and not in
/// the path (404).
pub fn referenced<T>(
    found: Result<T, StoreError>,
    pointer: &str,
    faults: &mut Vec<ConfigFault>,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error @ StoreError::NotFound { .. }) => {
            faults.push(fault(pointer, error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns a fault for each value that is not allowed.
///
/// * `first`: first item of the dataset, if it is known. A prompt template is tried with it.
pub fn value_faults(new: &NewRun, first: Option<&Item>) -> Vec<ConfigFault> {
    let mut faults: Vec<_> = model_fault(&new.model).into_iter().collect();
    faults.extend(new.name.as_ref().and_then(|name| name_fault("/name", name)));
    faults.extend(NewRun::PRIORITY.fault("/priority", new.priority));
    faults.extend(new.budget.iter().flat_map(Budget::faults));
    faults.extend(template_faults("/config", &new.config.judges()));
    let config =
        new.config.job().map_or_else(|faults| faults, |job| job_faults(&job, &new.config.scorers(), first));
    faults.extend(config.into_iter().map(|found| fault(format!("/config{}", found.pointer), found.detail)));
    faults
}

/// Returns a fault for each template of a judge that cannot be used. `place` is where the judges stand.
pub fn template_faults(place: &str, judges: &[Judge]) -> Vec<ConfigFault> {
    let fault_of = |(n, judge): (usize, &Judge)| {
        let error = runmill_prompt::check_judge(judge).err()?;
        Some(fault(format!("{place}/judges/{n}/prompt"), error))
    };
    judges.iter().enumerate().filter_map(fault_of).collect()
}

/// Returns a fault for a prompt template or a scorer that cannot be compiled. Only the compilers of both can check
/// that.
fn job_faults(job: &JobConfig, scorers: &[(String, Scoring)], first: Option<&Item>) -> Vec<ConfigFault> {
    let checked =
        |(place, scoring): &(String, Scoring)| Some(fault(place, runmill_scoring::check(scoring).err()?));
    let template = job.prompt_template.as_ref().and_then(|text| runmill_prompt::check(text, first).err());
    let template = template.map(|error| fault("/prompt_template", error));
    scorers.iter().filter_map(checked).chain(template).collect()
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, ProviderId, testing};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn new_run() -> NewRun {
        testing::new_run(ProviderId::from_uuid(Uuid::nil()), DatasetId::from_uuid(Uuid::nil()))
    }

    fn not_found() -> StoreError {
        StoreError::NotFound { what: "provider", id: "p".into() }
    }

    #[test]
    fn every_wrong_value_is_found_at_once() {
        let config = json!({"scoring": {"scorer": "regex", "pattern": "("}, "prompt_template": "{{"});
        let new = NewRun {
            model: " ".into(),
            priority: Some(0),
            budget: Some(Budget { calls: Some(0), ..Budget::default() }),
            config: serde_json::from_value(config).unwrap(),
            ..new_run()
        };
        let faults = value_faults(&new, None);
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/model", "/priority", "/budget/calls", "/config/scoring", "/config/prompt_template"]
        );
        assert_eq!(value_faults(&new_run(), None), []);
    }

    #[test]
    fn a_reference_to_nothing_is_a_fault_and_a_broken_store_is_not() {
        let mut faults = Vec::new();
        assert_eq!(referenced::<()>(Err(not_found()), "/provider_id", &mut faults).unwrap(), None);
        assert!(referenced::<()>(Err(StoreError::Unavailable("x".into())), "/x", &mut faults).is_err());
        assert_eq!(faults, [fault("/provider_id", not_found())]);
    }
}
