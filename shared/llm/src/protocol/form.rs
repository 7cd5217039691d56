use std::fmt;

use runmill_proto::Fix;

/// Form of a request, as a set of changes. Without a change, the request is a stream with its usage, in which every
/// parameter that the protocol has is sent, under the name that the server is expected to know.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Form(u32);

impl Form {
    #[must_use]
    pub const fn has(self, fix: Fix) -> bool {
        self.0 & bit(fix) != 0
    }

    /// Returns true if a stream is requested.
    #[must_use]
    pub const fn streams(self) -> bool {
        !self.has(Fix::Buffered)
    }

    /// Returns the changes of the stream and of its options.
    #[must_use]
    pub(crate) const fn streaming(self) -> Self {
        Self(self.0 & (bit(Fix::Buffered) | bit(Fix::Streamed) | bit(Fix::NoStreamOptions)))
    }

    /// Returns true if the form has a change of the stream or of its options.
    pub(crate) const fn changes_stream(self) -> bool {
        self.streaming().0 != 0
    }

    /// Returns this form with `fix` applied. The result is equal if it was already applied.
    #[must_use]
    pub const fn with(self, fix: Fix) -> Self {
        let undone = match fix {
            Fix::Buffered => bit(Fix::Streamed),
            Fix::Streamed => bit(Fix::Buffered),
            _ => 0,
        };
        Self(self.0 & !undone | bit(fix))
    }

    /// Returns the changes that `other` does not have.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn fixes(self) -> impl Iterator<Item = Fix> {
        Fix::ALL.iter().copied().filter(move |fix| self.has(*fix))
    }

    /// Returns the value of a parameter, or `None` if `fix` leaves it out.
    pub(super) fn unless<T>(self, fix: Fix, value: Option<T>) -> Option<T> {
        value.filter(|_| !self.has(fix))
    }
}

const fn bit(fix: Fix) -> u32 {
    1 << fix as u32
}

impl Extend<Fix> for Form {
    fn extend<T: IntoIterator<Item = Fix>>(&mut self, fixes: T) {
        *self = fixes.into_iter().fold(*self, Self::with);
    }
}

impl FromIterator<Fix> for Form {
    fn from_iter<T: IntoIterator<Item = Fix>>(fixes: T) -> Self {
        fixes.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fixes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_kept_beside_the_others_and_a_stream_undoes_a_buffer() {
        let all: Form = Fix::ALL.iter().copied().collect();
        let undone = Fix::Buffered;
        assert_eq!(
            all.fixes().collect::<Vec<_>>(),
            Fix::ALL.iter().copied().filter(|it| *it != undone).collect::<Vec<_>>()
        );

        let buffered = all.with(Fix::Buffered);
        assert!(!buffered.streams() && !buffered.has(Fix::Streamed) && buffered.has(Fix::NoSeed));
        assert_eq!(buffered.with(Fix::Buffered), buffered);
        assert_eq!(all.beyond(buffered), Form::default().with(Fix::Streamed));
    }
}
