/// Runs `work` to its end from inside a `drop`: on a thread of its own, for the test's own runtime may be what is
/// panicking, and cannot be blocked on from there. Says `left` if the work failed.
pub fn finish_in_drop(left: &str, work: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime for a little work").block_on(work);
    });
    if thread.join().is_err() {
        eprintln!("left behind by the test: {left}");
    }
}
