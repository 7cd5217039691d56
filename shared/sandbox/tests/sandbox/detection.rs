use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use runmill_sandbox::{Sandbox, Settings, Tool, Unavailable};

use crate::support::settings;

#[tokio::test]
async fn without_a_tool_the_error_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sandbox::detect(with_tools_of(folder.path())).await.unwrap_err();
    assert!(matches!(error, Unavailable::NoTool { .. }), "{error}");
    assert!(error.to_string().contains("apt-get install bubblewrap"), "{error}");
}

#[tokio::test]
async fn a_tool_that_contains_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("bwrap");
    fs::write(&path, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();

    let error = Sandbox::detect(with_tools_of(folder.path())).await.unwrap_err().to_string();

    assert!(error.contains("bwrap contains no program on this machine"), "{error}");
    assert!(error.contains("reading the machine's users"), "{error}");
}

#[tokio::test]
async fn a_tool_that_fails_is_refused_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("unshare");
    fs::write(&path, "#!/bin/sh\necho 'no namespaces here' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();

    let error = Sandbox::detect(with_tools_of(folder.path())).await.unwrap_err().to_string();

    assert!(error.contains("no namespaces here") && error.contains("let an ordinary user"), "{error}");
}

#[tokio::test]
async fn python_must_be_where_the_sandbox_can_show_it() {
    for (python, want) in
        [("/opt/python3", "contains only what is below /usr"), ("/usr/bin/python9", "is not installed")]
    {
        let error = Sandbox::detect(Settings { python: python.into(), ..settings() }).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
}

fn with_tools_of(folder: &Path) -> Settings {
    Settings { tool_folders: vec![folder.into()], tools: vec![Tool::Bubblewrap, Tool::Unshare], ..settings() }
}
