use runmill_proto::{Role, Tenant};

/// The person who looks at a page, by the token with which they signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Name of the token.
    pub name: String,
    pub role: Role,
    /// Tenant of the token. `None` if it is of all tenants.
    pub tenant: Option<Tenant>,
}

impl Viewer {
    /// Returns true if the viewer may start and steer runs. Pages show no button to others; the server refuses them, too.
    pub fn may_steer(&self) -> bool {
        self.role >= Role::Submit
    }
}
