//! Lines of the files of OpenAI's Batch API. Some clients lose a whole batch for one failed line, so a line is written
//! as failed only when no retry can help it.

use serde_json::{Value, json};

use crate::{Dialect, Refusal};

/// Returns a line of the output file, without a line feed. `id` is the line's own, and `reply` what
/// [`write`](crate::write) returned.
pub fn output_line(id: &str, custom_id: &str, request_id: &str, reply: &Value) -> String {
    made_line(id, custom_id, request_id, 200, reply)
}

/// Returns a line of the error file for a request that was refused or failed: its HTTP status and body.
pub fn refused_line(id: &str, custom_id: &str, request_id: &str, refusal: &Refusal) -> String {
    made_line(id, custom_id, request_id, refusal.status, &refusal.body(Dialect::OpenAi))
}

/// Returns a line of the error file for a request that was not made, with a code such as `batch_expired`.
pub fn unmade_line(id: &str, custom_id: &str, code: &str, message: &str) -> String {
    let error = json!({ "code": code, "message": message });
    json!({ "id": id, "custom_id": custom_id, "response": null, "error": error }).to_string()
}

fn made_line(id: &str, custom_id: &str, request_id: &str, status: u16, body: &Value) -> String {
    let response = json!({ "status_code": status, "request_id": request_id, "body": body });
    json!({ "id": id, "custom_id": custom_id, "response": response, "error": null }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_files_have_the_shape_that_clients_read() {
        let refusal = Refusal::new(400, "too long").with_code("context_length_exceeded");
        let table = [
            (
                output_line("b1", "q1", "r1", &json!({"x": 1})),
                r#"{"id":"b1","custom_id":"q1","response":{"status_code":200,"request_id":"r1","body":{"x":1}},"error":null}"#,
            ),
            (
                refused_line("b2", "q2", "r2", &refusal),
                r#"{"id":"b2","custom_id":"q2","response":{"status_code":400,"request_id":"r2","body":{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}},"error":null}"#,
            ),
            (
                unmade_line("b3", "q3", "batch_expired", "late"),
                r#"{"id":"b3","custom_id":"q3","response":null,"error":{"code":"batch_expired","message":"late"}}"#,
            ),
        ];
        for (line, want) in table {
            assert_eq!(line, want);
        }
    }
}
