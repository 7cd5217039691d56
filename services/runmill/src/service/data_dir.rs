//! Names of the files in a data directory.

pub const DATABASE_FILE: &str = "runmill.db";
pub const KEY_FILE: &str = "encryption.key";
pub const TOKEN_FILE: &str = "token";
