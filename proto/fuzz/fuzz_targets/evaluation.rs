#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| runmill_proto_fuzz::evaluation(input));
