/// Class of an attempt, by whoever waits for its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// A run, which waits as long as it takes.
    #[default]
    Run,
    /// A client that holds a connection open. Its attempts go before those of runs, up to a share of the slots.
    Interactive,
}

/// A value for each class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByClass<T> {
    pub run: T,
    pub interactive: T,
}

impl<T> ByClass<T> {
    pub const fn get(&self, class: Class) -> &T {
        match class {
            Class::Run => &self.run,
            Class::Interactive => &self.interactive,
        }
    }

    pub const fn get_mut(&mut self, class: Class) -> &mut T {
        match class {
            Class::Run => &mut self.run,
            Class::Interactive => &mut self.interactive,
        }
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        [&mut self.run, &mut self.interactive].into_iter()
    }
}

impl Class {
    pub(super) const ALL: [Self; 2] = [Self::Run, Self::Interactive];

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Run => Self::Interactive,
            Self::Interactive => Self::Run,
        }
    }
}
