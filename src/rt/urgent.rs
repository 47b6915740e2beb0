//! Threads that pass on what is to be heard at once go before all that is not.

/// The calling thread is woken before ordinary ones from now on, but after the audio thread, where the system lets it; whether it does.
/// It must sleep most of the time: ordinary threads wait for it. `[control]`
#[cfg(target_os = "linux")]
pub fn urgent() -> bool {
    at(10)
}

/// The calling thread goes before all but the audio thread and the sound server from now on, where the system lets it; whether it does.
/// `[control]`
#[cfg(target_os = "linux")]
pub fn almost_audio() -> bool {
    at(45)
}

/// Of 99; sound servers and their clients have 50 and more.
#[cfg(target_os = "linux")]
fn at(priority: u8) -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let Ok(priority) = priority.try_into().map(ThreadPriority::Crossplatform) else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
}

/// The same where threads have no such thing: nothing. `[control]`
#[cfg(not(target_os = "linux"))]
pub fn urgent() -> bool {
    false
}

/// The same where threads have no such thing: nothing. `[control]`
#[cfg(not(target_os = "linux"))]
pub fn almost_audio() -> bool {
    false
}
