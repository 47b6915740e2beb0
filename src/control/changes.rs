//! Who is told of a change: every subscriber but its maker.

use super::client::Client;
use super::control::Control;
use super::targets::Target;

impl Control {
    /// Something stands elsewhere from now on, by this client's doing. The same number may have several addresses.
    pub(super) fn changed(&mut self, _maker: Client, _target: Target) {}
}
