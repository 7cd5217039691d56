//! A run and results for the tests of encoders.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use runmill_proto::Usage;
use runmill_proto::api::{DetailedResult, ExportFormat, InvocationRecord, Run, RunCounters, RunLatency};
use serde_json::{Value, json};

use crate::{Encoder, encoder};

const NIL: &str = "00000000000000000000000000000000";

/// Bytes that an encoder has written.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn encoder_of(format: ExportFormat, run: &Run) -> (Box<dyn Encoder>, Written) {
    let written = Written::default();
    (encoder(format, run, written.clone()).unwrap(), written)
}

/// Returns the file of these results, which come in two pages.
pub fn encoded(format: ExportFormat, run: &Run, results: &[DetailedResult]) -> Vec<u8> {
    let (mut encoder, written) = encoder_of(format, run);
    let (first, rest) = results.split_at(results.len() / 2);
    encoder.results(first).unwrap();
    encoder.results(rest).unwrap();
    encoder.finish().unwrap();
    written.taken()
}

/// Returns a run that has ended.
pub fn run() -> Run {
    serde_json::from_value(json!({
        "id": format!("run_{NIL}"), "name": "a run", "provider_id": format!("prov_{NIL}"), "model": "gpt/x",
        "dataset_id": format!("data_{NIL}"), "config": {"samples": 1}, "priority": 1, "budget": null,
        "status": "completed", "counters": RunCounters::default(), "errors": {},
        "score": {"mean": 0.5, "stderr": 0.25, "scored": 2, "total": 4, "coverage": 0.5},
        "usage": Usage { prompt_tokens: 3, completion_tokens: 1, ..Usage::default() }, "cost_usd": 0.5,
        "latency": RunLatency::default(), "seq": 0,
        "created_at": "2026-01-01T00:00:00Z", "started_at": "2026-01-01T00:00:01Z",
        "finished_at": "2026-01-01T00:00:09Z", "paused_at": null,
        "pause_reason": null, "cancel_requested_at": null, "retry_count": 0, "retry_reason": null,
        "resumed_count": 0, "last_resumed_at": null,
    }))
    .unwrap()
}

/// Returns the right answer to an item.
pub fn result(item: &str, sample: u32) -> DetailedResult {
    changed(item, sample, &json!({}))
}

/// As [`result`], with other values in some fields.
pub fn changed(item: &str, sample: u32, changes: &Value) -> DetailedResult {
    let mut row = json!({
        "ordinal": 0, "sample": sample, "item_id": item, "invocation_id": format!("inv_{NIL}"),
        "outcome": "succeeded", "error_kind": null, "error": null, "response": "It is 2.", "reasoning": null,
        "score": {"scorer": "numeric", "value": 1.0, "extracted": "2", "detail": null},
        "settled_at": "2026-01-01T00:00:02Z", "question": "1+1", "choices": [],
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1"}],
        "references": ["2", "two"], "meta": {"topic": "sums"},
        "call": {
            "provider_id": format!("prov_{NIL}"), "model": "gpt/x", "attempts": 2,
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "cached_tokens": 1, "reasoning_tokens": 0},
            "cost_usd": 0.001, "started_at": "2026-01-01T00:00:01Z", "latency_ms": 250, "ttft_ms": 100,
        },
    });
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

/// Returns the result of a job that failed.
pub fn failed(item: &str) -> DetailedResult {
    let changes = json!({
        "outcome": "failed", "error_kind": "total_timeout", "error": "no answer in 60 s", "response": null,
        "score": null, "call": null,
    });
    changed(item, 0, &changes)
}

pub fn call() -> InvocationRecord {
    serde_json::from_value(json!({
        "id": format!("inv_{NIL}"), "ordinal": 0, "sample": 0, "provider_id": format!("prov_{NIL}"), "model": "x",
        "outcome": "succeeded", "error_kind": null, "attempts": [], "usage": null, "cost_nanousd": null,
        "streamed": true, "started_at": "2026-01-01T00:00:01Z", "latency_ms": 5, "ttft_ms": null,
    }))
    .unwrap()
}
