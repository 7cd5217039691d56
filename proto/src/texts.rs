use crate::text_enum::text_enum;

text_enum! {
    /// Texts of a run that are stored, sent to observers and written into exports: the questions, the answers, the
    /// reasoning, the arguments of tool calls, what was extracted from an answer, and the provider's words in errors.
    #[derive(Default)]
    Texts {
        #[default]
        All = "all",
        /// SHA-256 hashes in place of the texts, as `sha256:` and 64 hexadecimal digits, so that equal answers can be
        /// found. A short answer can be guessed from its hash.
        Hashes = "hashes",
        /// Nothing but outcomes, scores and counts.
        None = "none",
    }
}

impl Texts {
    /// Returns true if texts are kept as they are.
    pub const fn are_kept(self) -> bool {
        matches!(self, Self::All)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(crate) const fn is_default(&self) -> bool {
        self.are_kept()
    }
}
