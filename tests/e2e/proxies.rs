//! Proxies that the environment names, and those of providers.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{Command, Sandbox, data::questions};

const PROXY_VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A server that answers whatever it is asked with a page, and keeps the requests.
struct Foreign {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Foreign {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                kept.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).into_owned());
                let answer = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html; charset=utf-8\r\n\
                    content-length: 14\r\nconnection: close\r\n\r\n<html>no</html";
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, requests }
    }
}

#[tokio::test]
async fn proxies_of_the_environment_see_nothing() {
    let (sandbox, proxy) = (Sandbox::new().await, Foreign::start().await);
    let dataset = sandbox.write("3.jsonl", &questions(3));
    let commands = [
        sandbox.run(&dataset, "lorem", &[]),
        sandbox.runmill(&["smoke-test", "--base-url", &sandbox.gateway.base_url(), "--model", "lorem"]),
        sandbox.runmill(&["runs", "list"]),
    ];
    for command in commands {
        let command = PROXY_VARIABLES.iter().fold(command, |command, name| command.env(name, &proxy.url));
        let output = command.output().await;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(*proxy.requests.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_page_of_another_server_is_not_printed() {
    let other = Foreign::start().await;

    let output = Command::runmill(&["runs", "list", "--server", &other.url]).output().await;

    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("answered 502 with something that is no API answer (text/html)"), "{said}");
    assert!(said.contains(&other.url) && !said.contains("<html"), "{said}");
}

/// The gateway serves as the proxy, which also knows what the provider's name means.
#[tokio::test]
async fn calls_of_providers_go_through_the_proxy_that_is_set_for_them() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("3.jsonl", &questions(3));
    let proxy = sandbox.gateway.base_url().trim_end_matches("/v1").to_owned();
    let args = ["run", &dataset, "--base-url", "http://provider.invalid/v1", "--model", "lorem"];

    let command =
        sandbox.runmill(&args).env("RUNMILL_PROVIDER_PROXY", &proxy).env("RUNMILL_ALLOW_HTTP", "true");
    let output = command.output().await;

    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.gateway.calls(0, usize::MAX).len(), 3);
}
