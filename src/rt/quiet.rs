//! Keeps sound libraries from writing to the terminal while devices and ports are sought.

/// While it lives, what libasound complains of on this thread goes nowhere. Nothing to do elsewhere than on Linux.
pub struct Quiet {
    #[cfg(target_os = "linux")]
    _kept: Option<std::rc::Rc<std::cell::RefCell<alsa::Output>>>,
}

/// Begins quiet on this thread. `[control]`
pub fn quiet() -> Quiet {
    Quiet {
        #[cfg(target_os = "linux")]
        _kept: alsa::Output::local_error_handler().ok(),
    }
}
