use std::collections::BTreeSet;

use reqwest::{Method, header::WWW_AUTHENTICATE};
use runmill_config::Role;

use crate::server::{Server, problem, refused, token_of};

/// Every route with the lowest role that may use it.
const ROUTES: &[(&str, &str, Role)] = &[
    ("GET", "/datasets", Role::Observe),
    ("GET", "/datasets/{id}", Role::Observe),
    ("GET", "/datasets/{id}/items", Role::Observe),
    ("GET", "/executors", Role::Observe),
    ("GET", "/providers", Role::Observe),
    ("GET", "/providers/{id}", Role::Observe),
    ("GET", "/providers/{id}/lighteval-config", Role::Observe),
    ("GET", "/providers/{id}/limits", Role::Observe),
    ("GET", "/runs", Role::Observe),
    ("GET", "/runs/events", Role::Observe),
    ("GET", "/runs/compare", Role::Observe),
    ("GET", "/runs/{id}", Role::Observe),
    ("GET", "/runs/{id}/events", Role::Observe),
    ("GET", "/runs/{id}/export", Role::Observe),
    ("GET", "/runs/{id}/invocations", Role::Observe),
    ("GET", "/runs/{id}/lighteval-config", Role::Observe),
    ("GET", "/runs/{id}/results", Role::Observe),
    ("GET", "/runs/{id}/scores", Role::Observe),
    ("GET", "/runs/{id}/series", Role::Observe),
    ("GET", "/runs/{id}/verdicts", Role::Observe),
    ("GET", "/scaling", Role::Observe),
    ("GET", "/settings", Role::Observe),
    ("GET", "/usage", Role::Observe),
    ("POST", "/datasets", Role::Submit),
    ("POST", "/providers/{id}/smoke-test", Role::Submit),
    ("POST", "/runs", Role::Submit),
    ("POST", "/runs/{id}/cancel", Role::Submit),
    ("PATCH", "/runs/{id}", Role::Submit),
    ("POST", "/runs/{id}/extend", Role::Submit),
    ("POST", "/runs/{id}/pause", Role::Submit),
    ("POST", "/runs/{id}/rescore", Role::Submit),
    ("POST", "/runs/{id}/resume", Role::Submit),
    ("POST", "/runs/{id}/retry-failed", Role::Submit),
    ("DELETE", "/datasets/{id}", Role::Admin),
    ("GET", "/audit", Role::Admin),
    ("GET", "/tokens", Role::Admin),
    ("POST", "/tokens", Role::Admin),
    ("PATCH", "/tokens/{id}", Role::Admin),
    ("POST", "/tokens/{id}/revoke", Role::Admin),
    ("DELETE", "/providers/{id}", Role::Admin),
    ("DELETE", "/runs/{id}", Role::Admin),
    ("PATCH", "/providers/{id}", Role::Admin),
    ("POST", "/providers", Role::Admin),
    ("PUT", "/settings", Role::Admin),
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
        // The id does not exist and no body is sent, so that an accepted request changes nothing.
        let path = path.replace("{id}", "absent");
        let anonymous = refused(server.anonymous(method.clone(), &path)).await;
        assert_eq!(anonymous.status, 401, "{method} {path}");
        for &access in Role::ALL {
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
