use std::collections::HashMap;

use runmill_gateway::Gateway;

/// Returns the number of calls of each job, by the gateway's record. Executors name their calls
/// `<job>:<pass>.<feeding>:<attempt>`.
pub fn calls_by_job(gateway: &Gateway) -> HashMap<String, u32> {
    let mut calls = HashMap::new();
    for call in gateway.calls(0, usize::MAX) {
        let id = call.client_request_id.as_deref().expect("executors name their calls");
        let mut parts = id.rsplitn(3, ':');
        let job = parts.nth(2).expect("a feeding and an attempt follow the job");
        *calls.entry(job.to_owned()).or_default() += 1;
    }
    calls
}
