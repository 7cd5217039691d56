use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Name of a tenant: the owner of runs, datasets and providers, which tokens of other tenants do not see.
///
/// It has from 1 to 64 lower-case letters, digits, dots, dashes and underscores. A tenant exists as soon as something
/// belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(String);

const CHARS_MAX: usize = 64;

/// Error for a text that is not the name of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a tenant has from 1 to {CHARS_MAX} lower-case letters, digits, dots, dashes and underscores"
)]
pub struct InvalidTenant;

impl Tenant {
    /// Name of the tenant to which belongs whatever names no other, such as all rows of earlier releases.
    pub const DEFAULT: &str = "default";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tenant {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Tenant {
    type Error = InvalidTenant;

    fn try_from(text: String) -> Result<Self, InvalidTenant> {
        let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "._-".contains(char);
        let is_valid = (1..=CHARS_MAX).contains(&text.len()) && text.chars().all(fits);
        if is_valid { Ok(Self(text)) } else { Err(InvalidTenant) }
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> Self {
        tenant.0
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Tenant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[a-z0-9._-]{1,64}$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Tenant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_few_characters_that_look_alike() {
        for name in ["default", "team-7", "a.b_c", "x".repeat(64).as_str()] {
            assert_eq!(name.parse::<Tenant>().map(String::from), Ok(name.to_owned()));
        }
        for wrong in ["", "Team", "a b", "é", "a/b", "a\u{1f}", "x".repeat(65).as_str()] {
            assert_eq!(wrong.parse::<Tenant>(), Err(InvalidTenant), "{wrong:?}");
        }
    }
}
