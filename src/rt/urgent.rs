//! Threads that pass on what is to be heard at once go before all that is not.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// No thread of this process asks.
static WAIVED: AtomicBool = AtomicBool::new(false);

/// From now on no thread of this process goes before others, whatever it asks. `[control]`
pub fn waive() {
    WAIVED.store(true, Relaxed);
}

/// The calling thread is woken before ordinary ones from now on, but after the audio thread, where the system lets it; whether it does.
/// It must sleep most of the time: ordinary threads wait for it. `[control]`
pub fn urgent() -> bool {
    at(10)
}

/// The calling thread goes before all but the audio thread and the sound server from now on, where the system lets it; whether it does.
/// `[control]`
pub fn almost_audio() -> bool {
    at(45)
}

/// The calling thread, which works out what is heard, goes before all but the sound server from now on, where the system lets it; whether
/// it does. Calls the system: before the first sound only. `[audio]`
pub fn audio() -> bool {
    at(50)
}

/// The calling thread goes before no other from now on. Calls the system: only where nobody waits for the sound. `[audio]`
pub fn ordinary() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy};
        // In the middle of 0..99, which is neither nice nor the opposite.
        let Ok(even) = 48u8.try_into().map(ThreadPriority::Crossplatform) else { return };
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        // Whoever may go before others may also stop.
        let _ = set_thread_priority_and_policy(thread_priority::thread_native_id(), even, policy);
    }
}

/// Whether the system runs the calling thread before all ordinary ones. Calls the system: before the first sound only. `[audio]`
pub fn is_realtime() -> bool {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{ThreadSchedulePolicy, thread_schedule_policy};
        matches!(thread_schedule_policy(), Ok(ThreadSchedulePolicy::Realtime(_)))
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Whether the system would let a thread of ours be an audio thread: one is made to ask, and ends. `[control]`
pub fn may_be_audio() -> bool {
    std::thread::Builder::new().name("rank-asker".into()).spawn(audio).is_ok_and(|asker| asker.join().unwrap_or(false))
}

/// Of 99; sound servers and their clients have 50 and more.
#[cfg(target_os = "linux")]
fn at(priority: u8) -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    if WAIVED.load(Relaxed) {
        return false;
    }
    let Ok(priority) = priority.try_into().map(ThreadPriority::Crossplatform) else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
}

/// Threads have no such thing here.
#[cfg(not(target_os = "linux"))]
fn at(_: u8) -> bool {
    let _ = WAIVED.load(Relaxed);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_is_before_others_and_who_is_not_stays_as_he_was() {
        let asker = std::thread::spawn(|| {
            let told = (is_realtime(), audio(), is_realtime());
            ordinary();
            (told, is_realtime())
        });
        let (told, after) = asker.join().unwrap();
        // An ordinary thread at first: as the machine allows, it is another afterwards or none.
        assert!(!told.0 && !after);
        assert_eq!(told.1, told.2);
        assert_eq!(may_be_audio(), told.1);
        assert!(!is_realtime(), "the thread that asked is not the one that is told");
    }
}
