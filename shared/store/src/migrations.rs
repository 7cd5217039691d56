//! The migrations that this binary knows, compared with those of a database.
//!
//! A migration is *additive* if processes of earlier releases work with the schema after it: it adds tables, indexes,
//! and columns with defaults, and statements of those releases go on as before. The first line of its file says so. Additive
//! migrations are recorded in a table of their own, `schema_additions`, which a process lets be where it does not know
//! them. All others are in the table of the library `refinery`, with which earlier releases migrate, and in which a
//! migration that a process does not know stops its start.

use refinery::Migration;

use crate::StoreError;

/// First words of the file of an additive migration.
const ADDITIVE: &str = "-- Additive:";

/// Returns true if processes of earlier releases work with the schema after the migration.
pub fn is_additive(migration: &Migration) -> bool {
    migration.sql().is_some_and(|sql| sql.starts_with(ADDITIVE))
}

/// A migration that was applied to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub version: i64,
    /// Checksum of its name, version and content.
    pub checksum: String,
    pub is_additive: bool,
}

/// All migrations of this binary, in their order.
pub struct Known(Vec<Migration>);

impl Known {
    /// Takes the embedded migrations, which are in the order of their names, in which 10 comes before 2.
    pub fn new(embedded: &[Migration]) -> Self {
        let mut known = embedded.to_vec();
        known.sort_by_key(version);
        Self(known)
    }

    /// Returns the migrations that are missing among `applied`, in their order.
    ///
    /// Returns [`StoreError::NewerSchema`] if one was applied that this binary does not know and that is not additive,
    /// and [`StoreError::Broken`] if one was applied with another content.
    pub fn missing(&self, applied: &[Applied]) -> Result<Vec<&Migration>, StoreError> {
        for one in applied {
            self.check(one)?;
        }
        let is_missing = |known: &&Migration| applied.iter().all(|one| one.version != version(known));
        Ok(self.0.iter().filter(is_missing).collect())
    }

    /// Returns the newest version among `applied` that only a newer runmill knows.
    pub fn newest_unknown(&self, applied: &[Applied]) -> Option<i64> {
        applied.iter().map(|one| one.version).filter(|found| self.find(*found).is_none()).max()
    }

    fn check(&self, applied: &Applied) -> Result<(), StoreError> {
        match self.find(applied.version) {
            Some(known) if known.checksum().to_string() == applied.checksum => Ok(()),
            Some(known) => Err(StoreError::Broken(format!(
                "migration {known} was applied with another content than this runmill has"
            ))),
            None if applied.is_additive => Ok(()),
            None => Err(StoreError::NewerSchema { found: applied.version, known: self.newest() }),
        }
    }

    fn find(&self, wanted: i64) -> Option<&Migration> {
        self.0.iter().find(|known| version(known) == wanted)
    }

    fn newest(&self) -> i64 {
        self.0.last().map(version).unwrap_or_default()
    }
}

/// Logs that a newer runmill has added to the schema.
pub fn tell_newer(known: &Known, applied: &[Applied]) {
    if let Some(found) = known.newest_unknown(applied) {
        let known = known.newest();
        tracing::info!(
            event = "store.schema_is_newer",
            found,
            known,
            "a newer runmill has added to the schema of the database; this one works with it"
        );
    }
}

fn version(migration: &Migration) -> i64 {
    i64::from(migration.version())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(name: &str, sql: &str) -> Migration {
        Migration::unapplied(name, sql).unwrap()
    }

    fn applied(migration: &Migration) -> Applied {
        Applied {
            version: version(migration),
            checksum: migration.checksum().to_string(),
            is_additive: is_additive(migration),
        }
    }

    #[test]
    fn missing_migrations_come_by_number_and_only_additive_ones_may_be_unknown() {
        let two = migration("V2__two", "SELECT 2");
        let ten = migration("V10__ten", "-- Additive: a table.\nSELECT 10");
        let known = Known::new(&[ten.clone(), two.clone()]);
        let versions = |applied: &[Applied]| {
            known.missing(applied).map(|missing| missing.into_iter().map(version).collect::<Vec<_>>())
        };

        assert_eq!(versions(&[]).unwrap(), [2, 10]);
        assert_eq!(versions(&[applied(&ten)]).unwrap(), [2]);
        let newer = applied(&migration("V11__newer", "-- Additive: a column.\nSELECT 11"));
        assert!(versions(&[applied(&two), applied(&ten), newer.clone()]).unwrap().is_empty());
        assert_eq!(known.newest_unknown(&[applied(&two), newer]), Some(11));

        let breaking = applied(&migration("V12__breaking", "SELECT 12"));
        let error = versions(&[breaking]).unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 12, known: 10 }), "{error}");
        let changed = applied(&migration("V2__two", "SELECT 3"));
        assert!(matches!(versions(&[changed]).unwrap_err(), StoreError::Broken(_)));
    }
}
