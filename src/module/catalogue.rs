//! The kinds of modules that a patch may use.

use super::ModuleDef;

/// A list of kinds. rackd's own is `modules::CATALOGUE`; tests and other programs may bring theirs.
#[derive(Clone, Copy)]
pub struct Catalogue(pub &'static [&'static ModuleDef]);

impl Catalogue {
    /// The kind of this name. `[control]`
    pub fn find(&self, name: &str) -> Option<&'static ModuleDef> {
        self.0.iter().find(|def| def.name == name).copied()
    }

    /// All kinds. `[any]`
    pub fn iter(&self) -> impl Iterator<Item = &'static ModuleDef> {
        self.0.iter().copied()
    }
}
