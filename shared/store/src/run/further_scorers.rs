//! Further scorers of a run, which score its stored answers when it has ended.

use runmill_proto::RunKind;

use super::{Rescoring, RunRow, VERSIONS_MAX};

impl RunRow {
    /// Returns the version to make by the next further scorer of the run, if the run has ended. `None` if each of them has
    /// scored the answers since then.
    pub(crate) fn next_further(&self) -> Option<Rescoring> {
        let ended_at = self.finished_at?;
        if self.submission.kind != RunKind::Evaluation || self.stats.answers() == 0 {
            return None;
        }
        let versions = self.rescores.as_ref().map_or(&[][..], |rescores| &rescores.versions);
        let next = u32::try_from(versions.len()).unwrap_or(u32::MAX).saturating_add(1);
        let to_make = |scoring| {
            let is_of =
                |version: &&super::Rescore| version.is_further && version.scoring.as_ref() == Some(&scoring);
            let number = match versions.iter().find(is_of) {
                Some(made) if made.made_at >= ended_at => return None,
                Some(made) => made.version,
                None if versions.len() >= VERSIONS_MAX => return None,
                None => next,
            };
            Some(Rescoring::further(number, scoring))
        };
        self.submission.config.further_scorers().into_iter().find_map(to_make)
    }
}
