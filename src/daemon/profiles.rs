//! Where the profiles of devices are kept: in the user's settings.

use std::path::PathBuf;

use etcetera::{BaseStrategy as _, choose_base_strategy};

/// The folder of the profiles, one file a device: on Linux `~/.config/rackd/devices`, or as `XDG_CONFIG_HOME` says. There need be no
/// such folder yet; `None` where there is no home. `[control]`
pub fn folder() -> Option<PathBuf> {
    let home = choose_base_strategy().ok()?;
    Some(home.config_dir().join("rackd").join("devices"))
}
