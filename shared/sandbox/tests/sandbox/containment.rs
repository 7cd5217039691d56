use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use runmill_sandbox::{Limits, Verdict};

use crate::support::{
    check, expects, fails, is_running, passes, sandboxes, settings, until_gone, until_running,
};

/// A process of the machine that waits, and that a program must not reach.
struct Other(Child);

impl Other {
    fn start(seconds: &str) -> Self {
        let mut command = Command::new("sleep");
        command.arg(seconds).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("sleep is installed"))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

/// Starts at most 64 processes that wait, and returns how many there were before the machine said no.
const START_MANY: &str = "
import os

def f():
    started = 0
    try:
        while started < 64:
            if os.fork() == 0:
                os.execv('/usr/bin/sleep', ['sleep', 'SECONDS'])
            started += 1
    except BlockingIOError:
        pass
    return started
";

#[tokio::test]
async fn processes_are_limited_and_none_is_left() {
    let code = START_MANY.replace("SECONDS", "86301");
    check(settings().limits, &expects(&code, "15"), |verdict| *verdict == Verdict::Passed).await;
    assert!(!is_running("86301"), "a process of the sandbox is left");
}

#[tokio::test]
async fn threads_count_as_processes() {
    let code = "
import threading

def f():
    end = threading.Event()
    try:
        for number in range(64):
            threading.Thread(target=end.wait, daemon=True).start()
    finally:
        end.set()
";
    fails(&expects(code, "None"), "can't start new thread").await;
}

#[tokio::test]
async fn a_process_that_allocates_too_much_is_out_of_memory() {
    let program = expects("def f():\n    return len(bytearray(600 << 20))", "0");
    check(settings().limits, &program, |verdict| *verdict == Verdict::OutOfMemory).await;
}

#[tokio::test]
async fn processes_that_together_have_too_much_are_out_of_memory() {
    let code = "
import os, signal

def f():
    for number in range(4):
        if os.fork() == 0:
            taken = bytearray(b'x') * (80 << 20)
            signal.pause()
    signal.pause()
";
    let limits = Limits { memory_bytes: 256 << 20, ..settings().limits };
    check(limits, &expects(code, "None"), |verdict| *verdict == Verdict::OutOfMemory).await;
}

#[tokio::test]
async fn files_are_memory() {
    let code = "
def f():
    for number in range(2000):
        open(f'{number}', 'w').close()
    for number in range(40):
        with open(f'large-{number}', 'wb') as file:
            file.write(bytes(4 << 20))
    import signal
    signal.pause()
";
    let limits = Limits { memory_bytes: 160 << 20, file_bytes: 256 << 20, ..settings().limits };
    check(limits, &expects(code, "None"), |verdict| *verdict == Verdict::OutOfMemory).await;
}

#[tokio::test]
async fn memory_that_no_limit_counts_cannot_be_had() {
    let code = "
import ctypes, os

def f():
    libc = ctypes.CDLL(None, use_errno=True)
    refused = []
    try:
        os.memfd_create('x')
    except PermissionError:
        refused.append('memfd')
    if libc.shmget(0, 4096, 0o1600) == -1:
        refused.append('shm')
    if libc.unshare(0x10000000) == -1:
        refused.append('namespaces')
    return refused
";
    passes(code, "['memfd', 'shm', 'namespaces']").await;
}

#[tokio::test]
async fn an_endless_loop_reaches_the_limit_of_time() {
    let limits = Limits { wall: Duration::from_secs(3), ..settings().limits };
    for code in
        ["while True:\n    pass", "import signal\nsignal.pause()", "def f():\n    while True:\n        pass"]
    {
        check(limits.clone(), &expects(code, "None"), |verdict| *verdict == Verdict::TimedOut).await;
    }
}

#[tokio::test]
async fn an_endless_loop_reaches_the_limit_of_the_cpu() {
    let limits = Limits { cpu_seconds: 1, ..settings().limits };
    let program = expects("def f():\n    while True:\n        pass", "None");
    check(limits, &program, |verdict| *verdict == Verdict::TimedOut).await;
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_folder() {
    let code = "
import os

def f():
    written = []
    for folder in ['/', '/usr', '/usr/lib', '/etc', '/var/tmp', '/home', '/root', '/dev', '/dev/shm', '/proc', '/run', '/old']:
        try:
            with open(os.path.join(folder, 'runmill-probe'), 'w') as file:
                file.write('x')
            written.append(folder)
        except OSError:
            pass
    with open('mine', 'w') as file:
        file.write('x')
    return written + os.listdir('/tmp')
";
    passes(code, "['mine']").await;
}

#[tokio::test]
async fn the_folder_cannot_be_filled_beyond_its_size() {
    let code = "
import errno

def f():
    codes = []
    try:
        with open('one', 'wb', buffering=0) as file:
            while file.tell() < 64 << 20:
                file.write(bytes(1 << 20))
    except OSError as error:
        codes.append(errno.errorcode[error.errno])
    try:
        for number in range(64):
            with open(f'part-{number}', 'wb', buffering=0) as file:
                if file.write(bytes(1 << 20)) < 1 << 20:
                    file.write(bytes(1 << 20))
    except OSError as error:
        codes.append(errno.errorcode[error.errno])
    return len(codes)
";
    passes(code, "2").await;
}

#[tokio::test]
async fn no_connection_reaches_the_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let code = format!("import socket\n\ndef f():\n    socket.create_connection(('127.0.0.1', {port}), 1)");

    fails(&expects(&code, "None"), "PermissionError").await;

    assert!(listener.accept().is_err(), "a program connected to this process");
}

#[tokio::test]
async fn families_of_sockets_that_leave_the_network_are_refused() {
    let code = "
import socket

def f():
    made = []
    for family in [socket.AF_VSOCK, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_ALG, socket.AF_PACKET]:
        try:
            socket.socket(family, socket.SOCK_DGRAM)
            made.append(family)
        except PermissionError:
            pass
    return made
";
    passes(code, "[]").await;
}

#[tokio::test]
async fn processes_of_the_machine_cannot_be_seen_or_signalled() {
    let mut other = Other::start("86302");
    let code = "
import os

def f():
    seen = 0
    for name in filter(str.isdigit, os.listdir('/proc')):
        with open(f'/proc/{name}/cmdline') as file:
            seen += '86302' in file.read()
    try:
        os.kill(OTHER, 15)
        return 'signalled'
    except ProcessLookupError:
        return seen
";
    passes(&code.replace("OTHER", &other.0.id().to_string()), "0").await;

    assert!(other.0.try_wait().unwrap().is_none(), "the process was ended");
}

#[tokio::test]
async fn a_program_that_kills_its_judge_has_a_verdict() {
    let mut other = Other::start("86303");
    let code =
        "import os\n\ndef f():\n    os.kill(os.getppid(), 9)\n    os.kill(1, 9)\n    os.kill(os.getpid(), 9)";
    check(settings().limits, &expects(code, "None"), |verdict| *verdict == Verdict::Killed { signal: 9 })
        .await;

    assert!(other.0.try_wait().unwrap().is_none(), "the process was ended");
}

#[tokio::test]
async fn files_of_the_machine_and_its_environment_cannot_be_read() {
    let code = "
import glob, os

def f():
    found = []
    for path in ['/etc/shadow', '/etc/passwd', '/root', '/home', '/var', '/work', '/proc/1/root/etc', '/proc/1/cwd/etc']:
        if os.path.exists(path):
            found.append(path)
    for path in glob.glob('/proc/[0-9]*/environ'):
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            continue
        found += [word for word in ['CARGO', 'HOME', 'USER', 'RUST'] if word + '_' in text or word + '=' in text]
    return found + [name for name in os.environ if name not in ('LC_CTYPE', 'LANG')]
";
    passes(code, "[]").await;
}

#[tokio::test]
async fn a_program_that_prints_too_much_is_stopped() {
    let code = "def f():\n    for number in range(100000):\n        print('x' * 1000)\n";
    check(settings().limits, &expects(code, "None"), |verdict| *verdict == Verdict::TooMuchOutput).await;
}

#[tokio::test]
async fn text_within_the_limit_does_no_harm() {
    passes("def f():\n    print('x' * 500000)\n    return input and 1\n", "1").await;
}

#[tokio::test]
async fn a_dropped_run_leaves_no_process() {
    for (number, sandbox) in sandboxes(&settings().limits).await.into_iter().enumerate() {
        let seconds = format!("8640{number}");
        let program =
            expects(&(START_MANY.replace("SECONDS", &seconds) + "\nf()\nwhile True:\n    pass\n"), "None");

        tokio::select! {
            verdict = sandbox.run(&program) => panic!("it ended with {verdict:?}"),
            () = until_running(&seconds) => {}
        }

        until_gone(&seconds).await;
    }
}
