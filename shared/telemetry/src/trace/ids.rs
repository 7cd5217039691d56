use std::{cell::Cell, fmt::Display};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Generates random ids, except for a trace that begins with a key.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

thread_local! {
    /// Id of the next trace that begins on this thread. It is passed in a static, because a generator takes no
    /// parameters.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Begins the trace of `key` with `span`, which must have no parent and must not have been entered yet. All spans that begin
/// with the same key are in the same trace, in any process and at any time.
pub fn begin(span: &Span, key: &dyn Display) {
    // If traces are off, this check is the only cost.
    if span.is_disabled() {
        return;
    }
    NEXT.set(Some(trace_id(&key.to_string())));
    // Reading the context starts the span, now and on this thread.
    span.context();
    NEXT.set(None);
}

/// Hashes the key by FNV-1a in 128 bits, in two passes. Samplers decide by the lower half of the id, and after one
/// pass the end of the key would hardly influence the upper bits of that half.
///
/// Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm" (IETF
/// draft-eastlake-fnv).
fn trace_id(key: &str) -> TraceId {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = key.bytes().chain(key.bytes());
    TraceId::from(bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME)))
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanKind;
    use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

    use super::*;

    const RUN: &str = "0199a3c4-7b21-7d10-9c55-2f6f0a1b2c3d";

    #[test]
    fn neighbours_are_sampled_independently() {
        let sampler = Sampler::TraceIdRatioBased(0.1);
        let kept = |key: &String| {
            let id = trace_id(key);
            let result = sampler.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
            result.decision == SamplingDecision::RecordAndSample
        };
        let keys: Vec<_> = (0..10_000).map(|ordinal| format!("{RUN}:{ordinal}:0")).collect();
        let blocks: Vec<_> =
            keys.chunks(1_000).map(|block| block.iter().filter(|key| kept(key)).count()).collect();

        // The limit is five standard deviations of a fair choice.
        assert!(blocks.iter().all(|kept| kept.abs_diff(100) < 48), "{blocks:?}");
    }

    #[test]
    fn the_id_of_a_key_never_changes() {
        assert_eq!(trace_id(&format!("{RUN}:7:0")).to_string(), "bb719d2a16883274cde56ac729023675");
    }
}
