use crate::text_enum::text_enum;

text_enum! {
    /// Role of a bearer token. Each role has also the permissions of the roles before it.
    Role {
        /// Reads and watches.
        Observe = "observe",
        /// Starts and stops runs, uploads datasets.
        Submit = "submit",
        /// Manages providers, their keys, tokens, and settings.
        Admin = "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_has_the_permissions_of_the_lower() {
        assert!(Role::Admin > Role::Submit && Role::Submit > Role::Observe);
    }
}
