//! What the system lets this process have: memory that is never put out to disk, and how far it may go with real-time scheduling.

/// Raises the limits of real-time scheduling and locked memory as far as this process may by itself. `[control]`
#[cfg(target_os = "linux")]
pub fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    for resource in [Resource::Rtprio, Resource::Memlock] {
        let maximum = getrlimit(resource).maximum;
        // Where even that is refused, what follows tells.
        let _ = setrlimit(resource, Rlimit { current: maximum, maximum });
    }
}

/// Keeps all memory of this process in memory, so that nothing ever waits for a disk: what there is at once, what comes later as soon as it
/// is used. Only where there is no limit to it: with one, memory asked for later would be refused. `[control]`
///
/// # Errors
/// Why it is not: part of a sentence.
#[cfg(target_os = "linux")]
pub fn lock_memory() -> Result<(), String> {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Memlock).current;
    let refused = |limit: u64| format!("this user may lock {} KiB only (memlock)", limit / 1024);
    // Some are held to no limit. Only who is past it already can tell: others would be let now, and refused later.
    if let Some(limit) = limit.filter(|limit| *limit >= size()) {
        return Err(refused(limit));
    }
    // What nobody has touched stays out: a thread's stack is megabytes long, and kilobytes are used.
    let all = mlockall(MlockAllFlags::CURRENT).and_then(|()| mlockall(MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT));
    all.map_err(|why| limit.map_or_else(|| why.to_string(), refused))
}

/// Bytes of this process's memory, touched or not; none where that is not known.
#[cfg(target_os = "linux")]
fn size() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// The same where the system knows no such thing: nothing. `[control]`
#[cfg(not(target_os = "linux"))]
pub fn raise() {}

/// The same where it is not known how. `[control]`
///
/// # Errors
/// That it is not.
#[cfg(not(target_os = "linux"))]
pub fn lock_memory() -> Result<(), String> {
    Err("memory can be locked on Linux only".to_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_size_is_that_of_the_whole_process() {
        let much = std::hint::black_box(Vec::<u8>::with_capacity(1 << 30));
        // Other tests take and give back beside it.
        assert!(super::size() > much.capacity() as u64, "{}", super::size());
    }

    #[test]
    fn limits_are_raised_as_far_as_they_go() {
        super::raise();
        for resource in [Resource::Rtprio, Resource::Memlock] {
            let limit = getrlimit(resource);
            assert_eq!(limit.current, limit.maximum, "{resource:?}");
        }
    }
}
