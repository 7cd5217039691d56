use reqwest::{Method, header::WWW_AUTHENTICATE};
use runmill_config::Role;

use crate::server::{Server, problem, refused, token_of};

#[tokio::test]
async fn without_a_token_of_ours_nothing_is_answered() {
    let server = Server::start().await;
    let wrong = [
        None,
        Some("Bearer wrong-0123456789abcdef".to_owned()),
        Some(format!("Bearer {}x", token_of(Role::Admin))),
        Some(format!("Basic {}", token_of(Role::Admin))),
        Some("Bearer".to_owned()),
    ];
    for authorization in wrong {
        for (method, path) in
            [(Method::GET, "/runs"), (Method::POST, "/providers"), (Method::GET, "/runs/events")]
        {
            let mut request = server.anonymous(method, path);
            if let Some(authorization) = &authorization {
                request = request.header("authorization", authorization);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer", "{authorization:?}");
            assert_eq!(problem(response).await.status, 401, "{authorization:?}");
        }
    }
}

#[tokio::test]
async fn a_role_that_is_too_low_is_told_which_is_needed() {
    let server = Server::start().await;
    let table = [
        (Role::Observe, Method::POST, "/runs", "submit"),
        (Role::Observe, Method::POST, "/datasets?name=x", "submit"),
        (Role::Observe, Method::POST, "/providers", "admin"),
        (Role::Submit, Method::POST, "/providers", "admin"),
        (Role::Submit, Method::PUT, "/settings", "admin"),
        (Role::Observe, Method::POST, "/providers/prov_1/smoke-test", "submit"),
    ];
    for (role, method, path, needed) in table {
        let problem = refused(server.request_as(role, method, path)).await;
        assert_eq!(problem.status, 403, "{role} {path}");
        assert!(problem.detail.ends_with(&format!("role {needed}")), "{problem:?}");
    }
}

#[tokio::test]
async fn every_role_may_read_and_health_needs_none() {
    let server = Server::start().await;
    for role in Role::ALL {
        let response = server.request_as(*role, Method::GET, "/runs").send().await.unwrap();
        assert_eq!(response.status(), 200, "{role}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        let response = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}
