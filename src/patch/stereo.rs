//! Which cables are stereo, and which modules therefore run once a side.

use super::model::{ModuleId, Patch, Source, Sum, Term};

/// Sides of every module: 1, or 2 where it is of a mono kind and fed stereo.
pub struct Sides(Vec<u8>);

impl Sides {
    /// Of a patch: a mono kind fed stereo gives stereo, and so on until nothing changes. `[control]`
    pub fn of(patch: &Patch) -> Self {
        let mut sides = Self(vec![1; patch.modules.len()]);
        // Only those whose inputs read something that became stereo are looked at again.
        let mut takers: Vec<Vec<usize>> = vec![Vec::new(); patch.modules.len()];
        let mut found = Vec::new();
        for (number, module) in patch.modules.iter().enumerate() {
            module.inputs.iter().flat_map(|sum| &sum.terms).for_each(|term| modules_of_term(term, &mut found));
            found.drain(..).for_each(|source| takers[source.0].push(number));
        }
        let mut waiting: Vec<usize> = (0..patch.modules.len()).collect();
        while let Some(number) = waiting.pop() {
            let module = &patch.modules[number];
            if sides.0[number] == 2 || module.kind.stereo() {
                continue;
            }
            if module.inputs.iter().any(|sum| sides.sum_is_stereo(patch, sum)) {
                sides.0[number] = 2;
                waiting.extend(&takers[number]);
            }
        }
        sides
    }

    /// How many times a module runs. `[control]`
    pub fn of_module(&self, module: ModuleId) -> u8 {
        self.0[module.0]
    }

    /// Whether any term of a sum is stereo. `[control]`
    pub fn sum_is_stereo(&self, patch: &Patch, sum: &Sum) -> bool {
        sum.terms.iter().any(|term| self.term_is_stereo(patch, term))
    }

    /// Whether any factor of a term is stereo. `[control]`
    pub fn term_is_stereo(&self, patch: &Patch, term: &Term) -> bool {
        term.sources.iter().any(|source| match source {
            Source::Output { module, output, side: None } => self.output_is_stereo(patch, *module, *output),
            Source::Input { index, side: None } => {
                let named = patch.inputs.as_ref().and_then(|inputs| index.checked_sub(1).and_then(|at| inputs.get(at)));
                !named.is_some_and(|input| input.mono)
            }
            Source::Group(sum) => self.sum_is_stereo(patch, sum),
            _ => false,
        })
    }

    /// Whether an output has two sides. `[control]`
    pub fn output_is_stereo(&self, patch: &Patch, module: ModuleId, output: usize) -> bool {
        patch.modules[module.0].kind.outputs[output].stereo || self.0[module.0] == 2
    }

    /// The side at which an output gives what is wanted for a side. `[control]`
    pub fn side_of_output(&self, patch: &Patch, module: ModuleId, output: usize, side: u8) -> u8 {
        if self.output_is_stereo(patch, module, output) { side } else { 0 }
    }
}

/// The modules that a term reads. `[control]`
pub fn modules_of_term(term: &Term, found: &mut Vec<ModuleId>) {
    for source in &term.sources {
        match source {
            Source::Output { module, .. } => found.push(*module),
            Source::Group(sum) => sum.terms.iter().for_each(|term| modules_of_term(term, found)),
            _ => {}
        }
    }
}
