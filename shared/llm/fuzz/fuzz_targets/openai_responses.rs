#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| runmill_llm_fuzz::openai_responses(input));
