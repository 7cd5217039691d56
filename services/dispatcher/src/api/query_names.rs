//! Refuses query parameters that a route does not have: a filter with a misspelt name would let everything through.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Query, Request, State},
    http::{Method, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use utoipa::openapi::{OpenApi, PathItem, RefOr, path::ParameterIn};

use super::problem::ApiError;

/// Names of the query parameters of each route.
#[derive(Default)]
pub struct QueryNames(HashMap<(String, Method), BTreeSet<String>>);

impl QueryNames {
    /// Reads the names from the description of the API.
    pub fn of(description: &OpenApi) -> Self {
        let paths = description.paths.paths.iter();
        Self(
            paths
                .flat_map(|(path, item)| {
                    names_of(item).map(|(method, names)| ((path.clone(), method), names))
                })
                .collect(),
        )
    }

    /// Returns the first name that the route does not have, in words.
    fn unknown(&self, path: &str, method: &Method, uri: &Uri) -> Option<String> {
        let known = self.0.get(&(path.to_owned(), method.clone()))?;
        // The route refuses a query that cannot be read.
        let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
        let (name, _) = given.into_iter().find(|(name, _)| !known.contains(name))?;
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Some(format!("the query parameter `{name}` is not known here; known are: {known}"))
    }
}

/// Returns the names of each of a path's methods.
fn names_of(item: &PathItem) -> impl Iterator<Item = (Method, BTreeSet<String>)> {
    let operations = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    operations.into_iter().filter_map(|(method, operation)| {
        let parameters = operation.as_ref()?.parameters.iter().flatten();
        let of_query = parameters.filter_map(|parameter| match parameter {
            RefOr::T(parameter) => {
                (parameter.parameter_in == ParameterIn::Query).then(|| parameter.name.clone())
            }
            // Our handlers describe their parameters in place.
            RefOr::Ref(_) => None,
        });
        Some((method, of_query.collect()))
    })
}

pub async fn refuse_unknown(State(names): State<Arc<QueryNames>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    match path.and_then(|path| names.unknown(path, request.method(), request.uri())) {
        Some(detail) => ApiError::bad_request(detail).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_the_route_does_not_have_is_told_with_those_that_it_has() {
        let parameters = json!([{"name": "id", "in": "path", "required": true}, {"name": "limit", "in": "query", "required": false}]);
        let operations =
            json!({"get": {"parameters": parameters, "responses": {}}, "post": {"responses": {}}});
        let info = json!({"title": "an API", "version": "1"});
        let description = json!({"openapi": "3.1.0", "info": info, "paths": {"/runs/{id}": operations}});
        let names = QueryNames::of(&serde_json::from_value(description).unwrap());
        let uri = |query: &str| format!("/runs/x?{query}").parse().unwrap();
        let told = |method: &Method, query| names.unknown("/runs/{id}", method, &uri(query));
        assert_eq!(told(&Method::GET, "limit=1&limit=2"), None);
        let want = "the query parameter `lim it` is not known here; known are: limit";
        assert_eq!(told(&Method::GET, "limit=1&lim+it=2").as_deref(), Some(want));
        assert!(told(&Method::POST, "x").unwrap().ends_with("known are: none"));
        assert_eq!(names.unknown("/other", &Method::GET, &uri("x=1")), None, "it is not described");
    }
}
