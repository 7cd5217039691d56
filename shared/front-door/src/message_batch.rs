//! Results of Anthropic's batches of messages.

use serde_json::{Value, json};

use crate::{Dialect, Refusal};

/// Ending of a request of a batch.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// With the body that [`write`](crate::write) returned.
    Succeeded(&'a Value),
    Errored(&'a Refusal),
    Expired,
    Canceled,
}

/// Returns a line of a batch's results, without a line feed.
pub fn result_line(custom_id: &str, ending: Ending<'_>) -> String {
    let result = match ending {
        Ending::Succeeded(message) => json!({ "type": "succeeded", "message": message }),
        Ending::Errored(refusal) => json!({ "type": "errored", "error": refusal.body(Dialect::Anthropic) }),
        Ending::Expired => json!({ "type": "expired" }),
        Ending::Canceled => json!({ "type": "canceled" }),
    };
    json!({ "custom_id": custom_id, "result": result }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_shape_that_clients_read() {
        let refusal = Refusal::new(400, "bad");
        let table = [
            (
                Ending::Succeeded(&json!({"id": "m"})),
                r#"{"custom_id":"a","result":{"type":"succeeded","message":{"id":"m"}}}"#,
            ),
            (
                Ending::Errored(&refusal),
                r#"{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"bad"},"request_id":null}}}"#,
            ),
            (Ending::Expired, r#"{"custom_id":"a","result":{"type":"expired"}}"#),
            (Ending::Canceled, r#"{"custom_id":"a","result":{"type":"canceled"}}"#),
        ];
        for (ending, want) in table {
            assert_eq!(result_line("a", ending), want);
        }
    }
}
