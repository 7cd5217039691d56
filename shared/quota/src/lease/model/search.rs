use std::collections::{HashMap, HashSet};

use super::{Model, World, executor::Claim, world::Which};

#[derive(Debug)]
pub enum Found {
    /// No state is above the limit.
    Nothing { states: usize },
    /// The events that lead to a state above the limit.
    Excess(Vec<String>),
}

/// Visits every state that can be reached, the nearest first.
pub fn search<const N: usize>(model: Model) -> Found {
    let mut search = Search::<N> { model, known: HashSet::new(), path: Vec::new(), plans: HashMap::new() };
    search.visit(World::<N>::START, 0, ("", 0));
    let mut next = 0;
    while let Some(&Visit { world, .. }) = search.path.get(next) {
        if world.in_use(model) > model.limit {
            return Found::Excess(search.events(next));
        }
        search.steps(world, next);
        next += 1;
    }
    Found::Nothing { states: next }
}

struct Search<const N: usize> {
    model: Model,
    known: HashSet<World<N>>,
    path: Vec<Visit<N>>,
    /// Planned shares. There are few different questions.
    plans: HashMap<(Claim, u8, u8), u8>,
}

struct Visit<const N: usize> {
    world: World<N>,
    /// Index of the visit that led to this one.
    before: usize,
    event: Event,
}

/// An event, with the number of the executor that it concerns.
type Event = (&'static str, usize);

impl<const N: usize> Search<N> {
    fn visit(&mut self, world: World<N>, before: usize, event: Event) {
        let world = world.sorted();
        if self.known.insert(world) {
            self.path.push(Visit { world, before, event });
        }
    }

    fn steps(&mut self, world: World<N>, at: usize) {
        let model = self.model;
        self.visit(world.tick(model), at, ("a tick passes", 0));
        for own in 0..N {
            let steps = [
                ("starts a call", world.start(own).filter(|_| model.has_calls())),
                ("ends a call", world.end(own, 0)),
                ("ends its other call", world.end(own, 1)),
                ("is executed", world.execute(own, Which::Awaited, model)),
                ("is committed", world.commit(own, Which::Awaited, model)),
                ("hears the answer", world.hear(own, model)),
                ("is executed late", world.execute(own, Which::Stray, model)),
                ("is committed late", world.commit(own, Which::Stray, model)),
            ];
            for (event, world) in steps {
                if let Some(world) = world {
                    self.visit(world, at, (event, own));
                }
            }
            if world.0[own].awaited.is_none() {
                for wants in 0..=model.limit {
                    let sent = world.send(own, self.planned(&world, own, wants), model);
                    self.visit(sent, at, ("claims a share", own));
                }
            }
        }
    }

    /// Returns the share that the executor plans. One that has not read the others' may only renew or shrink its own.
    fn planned(&mut self, world: &World<N>, own: usize, wants: u8) -> u8 {
        let executor = &world.0[own];
        let claim = Claim { granted: executor.usable(), used: executor.in_flight() };
        let Some(view) = executor.view else { return claim.granted.min(wants) };
        let model = self.model;
        let plan = || model.plan(claim, wants, view.counted);
        *self.plans.entry((claim, wants, view.counted)).or_insert_with(plan)
    }

    fn events(&self, mut at: usize) -> Vec<String> {
        let mut events = Vec::new();
        while at > 0 {
            let Visit { before, event: (event, own), world } = &self.path[at];
            events.push(format!("{own} {event}: {world:?}"));
            at = *before;
        }
        events.reverse();
        events
    }
}
