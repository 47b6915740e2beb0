//! Who is told of a change: every subscriber but its maker.

use super::client::Client;
use super::control::Control;
use super::streams::Stream;
use super::subscribe::Key;
use super::targets::Target;

impl Control {
    /// Something stands elsewhere from now on, by this client's doing. The same number may have several addresses.
    pub(super) fn changed(&mut self, maker: Client, target: Target) {
        self.touch_target(maker, target);
    }

    /// The same for what is no value at an address.
    pub(super) fn changed_stream(&mut self, maker: Client, stream: Stream) {
        self.touch_watches(maker, Key::Stream(stream));
    }
}
