//! Threads that pass on what is to be heard at once go before all that is not.

/// The calling thread is woken before ordinary ones from now on, but after the audio thread, where the system lets it; whether it does.
/// It must sleep most of the time: ordinary threads wait for it. `[control]`
#[cfg(target_os = "linux")]
pub fn urgent() -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    // Of 99; sound servers and their clients have 50 and more.
    let Ok(priority) = 10u8.try_into().map(ThreadPriority::Crossplatform) else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
}

/// The same where threads have no such thing: nothing. `[control]`
#[cfg(not(target_os = "linux"))]
pub fn urgent() -> bool {
    false
}
