use std::{cell::Cell, fmt::Display};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Random ids, but for a trace that is begun by a key.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

thread_local! {
    /// The id of the trace that begins next on this thread: a generator is not told for what it generates.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Begins with `span` the trace of `key`: whatever begins with the same key, in any process and at any time, is in
/// the same trace. For a span that has no parent and that nobody has entered yet.
pub fn begin(span: &Span, key: &dyn Display) {
    // Off, this is one comparison.
    if span.is_disabled() {
        return;
    }
    NEXT.set(Some(trace_id(&key.to_string())));
    // Its context is asked for so that it starts, now and on this thread.
    span.context();
    NEXT.set(None);
}

/// FNV-1a in 128 bits, over the key twice: samplers decide by the lower half, and after one pass the end of the key
/// would hardly have reached its upper bits.
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

        // Five standard deviations of a fair choice.
        assert!(blocks.iter().all(|kept| kept.abs_diff(100) < 48), "{blocks:?}");
    }

    #[test]
    fn the_id_of_a_key_never_changes() {
        assert_eq!(trace_id(&format!("{RUN}:7:0")).to_string(), "bb719d2a16883274cde56ac729023675");
    }
}
