use serde_json::Value;

/// Adds an event without a name. JSON is written without line feeds, so it is one line.
pub(super) fn data(out: &mut Vec<u8>, data: &Value) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// Adds an event with a name, which is the `type` of its data, too.
pub(super) fn event(out: &mut Vec<u8>, name: &str, value: &Value) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    data(out, value);
}
