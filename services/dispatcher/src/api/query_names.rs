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
use serde_json::Value;

use super::problem::ApiError;

/// Names of the query parameters of each route.
#[derive(Default)]
pub struct QueryNames(HashMap<(String, Method), BTreeSet<String>>);

impl QueryNames {
    /// Reads the names from the description of the API.
    pub fn of(description: &Value) -> Self {
        let mut names: HashMap<_, BTreeSet<String>> = HashMap::new();
        for (path, operations) in description["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let of_query = parameters.filter(|parameter| parameter["in"] == "query");
                let of_query = of_query.filter_map(|parameter| parameter["name"].as_str());
                names.insert((path.clone(), method), of_query.map(str::to_owned).collect());
            }
        }
        Self(names)
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
        let parameters = json!([{"name": "id", "in": "path"}, {"name": "limit", "in": "query"}]);
        let description = json!({"paths": {"/runs/{id}": {"get": {"parameters": parameters}, "post": {}}}});
        let names = QueryNames::of(&description);
        let uri = |query: &str| format!("/runs/x?{query}").parse().unwrap();
        let told = |method: &Method, query| names.unknown("/runs/{id}", method, &uri(query));
        assert_eq!(told(&Method::GET, "limit=1&limit=2"), None);
        let want = "the query parameter `lim it` is not known here; known are: limit";
        assert_eq!(told(&Method::GET, "limit=1&lim+it=2").as_deref(), Some(want));
        assert!(told(&Method::POST, "x").unwrap().ends_with("known are: none"));
        assert_eq!(names.unknown("/other", &Method::GET, &uri("x=1")), None, "it is not described");
    }
}
