use std::collections::BTreeSet;

use reqwest::{Method, header::WWW_AUTHENTICATE};
use runmill_config::Access;

use crate::server::{Server, problem, refused, token_of};

/// Every route with the lowest role that may use it.
const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/datasets", Access::Observe),
    ("GET", "/datasets/{id}", Access::Observe),
    ("GET", "/datasets/{id}/items", Access::Observe),
    ("GET", "/executors", Access::Observe),
    ("GET", "/providers", Access::Observe),
    ("GET", "/providers/{id}", Access::Observe),
    ("GET", "/runs", Access::Observe),
    ("GET", "/runs/events", Access::Observe),
    ("GET", "/runs/{id}", Access::Observe),
    ("GET", "/runs/{id}/events", Access::Observe),
    ("GET", "/runs/{id}/invocations", Access::Observe),
    ("GET", "/runs/{id}/results", Access::Observe),
    ("GET", "/settings", Access::Observe),
    ("POST", "/datasets", Access::Submit),
    ("POST", "/providers/{id}/smoke-test", Access::Submit),
    ("POST", "/runs", Access::Submit),
    ("POST", "/runs/{id}/cancel", Access::Submit),
    ("POST", "/runs/{id}/pause", Access::Submit),
    ("POST", "/runs/{id}/resume", Access::Submit),
    ("POST", "/runs/{id}/retry-failed", Access::Submit),
    ("DELETE", "/providers/{id}", Access::Admin),
    ("PATCH", "/providers/{id}", Access::Admin),
    ("POST", "/providers", Access::Admin),
    ("PUT", "/settings", Access::Admin),
];

#[test]
fn the_table_has_every_route_of_the_description() {
    let description = serde_json::to_value(runmill_dispatcher::openapi()).unwrap();
    let described = description["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    let table = ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
    assert_eq!(described.collect::<BTreeSet<_>>(), table.collect());
}

#[tokio::test]
async fn writing_needs_more_than_reading() {
    let server = Server::start().await;
    for &(method, path, needed) in ROUTES {
        let method: Method = method.parse().unwrap();
        // No such thing exists and no body is sent, so that a request which is let in changes nothing.
        let path = path.replace("{id}", "absent");
        let anonymous = refused(server.anonymous(method.clone(), &path)).await;
        assert_eq!(anonymous.status, 401, "{method} {path}");
        for &access in Access::ALL {
            let response = server.request_as(access, method.clone(), &path).send().await.unwrap();
            let status = response.status().as_u16();
            if access < needed {
                assert_eq!(status, 403, "{access}: {method} {path}");
            } else {
                assert!(![401, 403, 404, 405].contains(&status), "{access}: {method} {path}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_of_ours_nothing_is_answered() {
    let server = Server::start().await;
    let wrong = [
        None,
        Some("Bearer wrong-0123456789abcdef".to_owned()),
        Some(format!("Bearer {}x", token_of(Access::Admin))),
        Some(format!("Basic {}", token_of(Access::Admin))),
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
        (Access::Observe, Method::POST, "/runs", "submit"),
        (Access::Observe, Method::POST, "/datasets?name=x", "submit"),
        (Access::Observe, Method::POST, "/providers", "admin"),
        (Access::Submit, Method::POST, "/providers", "admin"),
        (Access::Submit, Method::PUT, "/settings", "admin"),
        (Access::Observe, Method::POST, "/providers/prov_1/smoke-test", "submit"),
    ];
    for (access, method, path, needed) in table {
        let problem = refused(server.request_as(access, method, path)).await;
        assert_eq!(problem.status, 403, "{access} {path}");
        assert!(problem.detail.ends_with(&format!("role {needed}")), "{problem:?}");
    }
}

#[tokio::test]
async fn every_role_may_read_and_health_needs_none() {
    let server = Server::start().await;
    for access in Access::ALL {
        let response = server.request_as(*access, Method::GET, "/runs").send().await.unwrap();
        assert_eq!(response.status(), 200, "{access}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        let response = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}
