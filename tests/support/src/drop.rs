/// Runs `work` to its end inside a `drop`. It runs on a thread of its own, because a `drop` cannot block on the
/// test's runtime, which may be panicking. If the work fails, prints that the test left `left` behind.
pub fn finish_in_drop(left: &str, work: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime for the work of a drop").block_on(work);
    });
    if thread.join().is_err() {
        eprintln!("left behind by the test: {left}");
    }
}
