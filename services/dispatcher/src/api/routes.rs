use axum::{extract::Request, middleware::Next, middleware::from_fn};
use runmill_config::Role;
use utoipa::openapi::{OpenApi, Paths, security::SecurityRequirement};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::{ApiState, auth, description};

/// Collects routes and their descriptions. A route can be added only with the role that it needs.
pub struct Routes(OpenApiRouter<ApiState>);

impl Routes {
    pub fn new(description: OpenApi) -> Self {
        Self(OpenApiRouter::with_openapi(description))
    }

    /// Adds routes that need the role `needed` or a higher one.
    pub fn needing(
        self,
        needed: Role,
        routes: impl IntoIterator<Item = UtoipaMethodRouter<ApiState>>,
    ) -> Self {
        let require = from_fn(move |request: Request, next: Next| auth::require(needed, request, next));
        let add = |router: OpenApiRouter<ApiState>, mut route: UtoipaMethodRouter<ApiState>| {
            describe_role(&mut route.1, needed);
            router.routes(route.layer(require.clone()))
        };
        Self(routes.into_iter().fold(self.0, add))
    }

    pub fn into_router(self) -> OpenApiRouter<ApiState> {
        self.0
    }
}

fn describe_role(paths: &mut Paths, needed: Role) {
    let requirement = SecurityRequirement::new(description::SCHEME, [needed.to_string()]);
    for item in paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.security = Some(vec![requirement.clone()]);
        }
    }
}
