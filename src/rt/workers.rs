//! Threads that work beside the audio thread on jobs that it gives away whole.
//!
//! A job lies in a place, and one atomic word says who has it: whoever turns it from offered to taken runs it, the audio thread as well
//! as a worker. So the audio thread only ever waits for a job that a worker has begun. It never wakes anybody: workers look for jobs
//! while a callback lasts and shortly before the next is due, and sleep in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::guard::FlushToZero;
use super::seat::Seat;
use super::urgent::almost_audio;

const EMPTY: u8 = 0;
const OFFERED: u8 = 1;
const TAKEN: u8 = 2;
const DONE: u8 = 3;

/// A worker looks for jobs from so long before a callback is due.
const EARLY: Duration = Duration::from_micros(120);
/// So long after it was due, or after the last job, it goes to sleep.
const LATE: Duration = Duration::from_micros(400);
/// The longest sleep: so long may pass until jobs that nobody announced are noticed.
const LONGEST: Duration = Duration::from_millis(5);
/// Where nobody says when, as offline: sleeps are short.
const SHORT: Duration = Duration::from_micros(50);
/// How often a worker looks until it asks the clock again.
const LOOKS: u32 = 64;

/// Begins the names of the threads.
pub const NAME: &str = "sound-worker-";

/// One job's place, on cache lines of its own.
#[repr(align(128))]
struct Place<T> {
    state: AtomicU8,
    job: Seat<Option<T>>,
}

struct Shared<T> {
    places: Box<[Place<T>]>,
    /// How many places are in use; 0: nothing to do.
    offered: AtomicUsize,
    /// Odd while a callback with jobs lasts.
    turn: AtomicU32,
    /// When the next callback is due [ns since `born`]; 0: nobody knows.
    due: AtomicU64,
    over: AtomicBool,
    born: Instant,
    work: fn(&mut T),
}

impl<T> Shared<T> {
    /// Takes an offered job and runs it where it lies; false where another was quicker.
    fn run(&self, number: usize) -> bool {
        let place = &self.places[number];
        if place.state.compare_exchange(OFFERED, TAKEN, Acquire, Relaxed).is_err() {
            return false;
        }
        // Whoever has turned the word is alone with the job.
        if let Some(mut job) = place.job.take()
            && let Some(job) = &mut *job
        {
            (self.work)(job);
        }
        place.state.store(DONE, Release);
        true
    }
}

/// Workers, and the audio thread's end of what they do.
pub struct Workers<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    threads: Vec<JoinHandle<()>>,
    used: usize,
}

impl<T: Send + 'static> Workers<T> {
    /// Starts so many, for so many jobs at a time; `work` must not panic. Fewer where the system gives no more threads. `[control]`
    pub fn start(count: usize, jobs: usize, work: fn(&mut T)) -> Self {
        let place = || Place { state: AtomicU8::new(EMPTY), job: Seat::new(None) };
        let shared = Arc::new(Shared {
            places: (0..jobs).map(|_| place()).collect(),
            offered: AtomicUsize::new(0),
            turn: AtomicU32::new(0),
            due: AtomicU64::new(0),
            over: AtomicBool::new(false),
            born: Instant::now(),
            work,
        });
        let thread = |number: usize| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("{NAME}{}", number + 1)).spawn(move || live(&shared, number))
        };
        let threads = (0..count).map_while(|number| thread(number).ok()).collect();
        Self { shared, threads, used: 0 }
    }

    /// How many there are. `[any]`
    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// A callback with jobs begins. `[audio]`
    pub fn begin(&self) {
        let turn = self.shared.turn.load(Relaxed);
        self.shared.turn.store(turn | 1, Release);
    }

    /// It is over. `[audio]`
    pub fn end(&self) {
        let turn = self.shared.turn.load(Relaxed);
        self.shared.turn.store((turn | 1).wrapping_add(1), Release);
    }

    /// The next callback is due at this moment; `None`: nobody knows. `[audio]`
    pub fn expect(&self, due: Option<Instant>) {
        let nanos = due.map_or(0, |due| due.saturating_duration_since(self.shared.born).as_nanos() as u64);
        self.shared.due.store(nanos, Relaxed);
    }

    /// Puts a job where workers find it, after [`Self::offer`]; its number. It comes back where there is no room. `[audio]`
    ///
    /// # Errors
    /// The job.
    pub fn put(&mut self, job: T) -> Result<usize, T> {
        let Some(place) = self.shared.places.get(self.used) else { return Err(job) };
        let Some(mut inside) = place.job.take() else { return Err(job) };
        *inside = Some(job);
        drop(inside);
        place.state.store(OFFERED, Release);
        self.used += 1;
        Ok(self.used - 1)
    }

    /// The jobs that were put are there for everybody. `[audio]`
    pub fn offer(&self) {
        self.shared.offered.store(self.used, Release);
    }

    /// Runs what nobody else has begun, from the first job on: the last ones are left to the workers for longest. `[audio]`
    pub fn help(&self) {
        for number in 0..self.used {
            self.shared.run(number);
        }
    }

    /// Waits for the jobs that workers have begun, and gives all back in the order in which they were put. `[audio]`
    pub fn take_back(&mut self, mut back: impl FnMut(T)) {
        for place in &self.shared.places[..self.used] {
            while place.state.load(Acquire) != DONE {
                std::hint::spin_loop();
            }
        }
        self.shared.offered.store(0, Release);
        for place in &self.shared.places[..self.used] {
            if let Some(mut inside) = place.job.take()
                && let Some(job) = inside.take()
            {
                back(job);
            }
            place.state.store(EMPTY, Release);
        }
        self.used = 0;
    }
}

impl<T: Send + 'static> Drop for Workers<T> {
    fn drop(&mut self) {
        self.shared.over.store(true, Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What a worker does until it is over.
fn live<T>(shared: &Shared<T>, number: usize) {
    almost_audio();
    let _quick = FlushToZero::begin();
    let mut last = Instant::now();
    let mut turn = shared.turn.load(Acquire);
    while !shared.over.load(Relaxed) {
        for _ in 0..LOOKS {
            let offered = shared.offered.load(Acquire);
            if offered > 0 {
                // Each begins elsewhere, the audio thread at the front: so they seldom meet, and mostly run what they ran before.
                let mut any = false;
                for at in (0..offered).rev() {
                    any |= shared.run((at + offered - number % offered) % offered);
                }
                if any {
                    last = Instant::now();
                    continue;
                }
            }
            std::hint::spin_loop();
        }
        let now = Instant::now();
        let seen = shared.turn.load(Acquire);
        if seen != turn {
            // There were jobs since it looked last, whether it was awake or not.
            (turn, last) = (seen, now);
        }
        if let Some(time) = nap(seen % 2 == 1, now - last, shared.due.load(Relaxed), now - shared.born) {
            thread::sleep(time);
        }
    }
}

/// How long a worker sleeps now: `within` a callback with jobs, so long after it last saw any; the next is due so long after its birth
/// \[ns\], and it is this old.
fn nap(within: bool, idle: Duration, due: u64, age: Duration) -> Option<Duration> {
    if idle > 50 * LONGEST {
        // Nothing is given away at all.
        return Some(LONGEST);
    }
    if within && idle < LONGEST {
        return None;
    }
    if due == 0 {
        return (idle > LATE).then_some(SHORT);
    }
    let due = Duration::from_nanos(due);
    if age + EARLY < due {
        return Some((due - EARLY - age).min(LONGEST));
    }
    (age > due + LATE && idle > LATE).then_some(LATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(job: &mut (u64, u64)) {
        job.1 = job.0 * job.0;
    }

    #[test]
    fn every_job_is_done_once_and_comes_back_in_order() {
        for count in [0, 1, 3] {
            let mut workers = Workers::start(count, 16, square as fn(&mut (u64, u64)));
            assert_eq!(workers.count(), count);
            for round in 0..2000 {
                workers.begin();
                let jobs = round % 17;
                for n in 0..jobs {
                    assert_eq!(workers.put((n + round, 0)), Ok(n as usize));
                }
                if jobs == 16 {
                    assert_eq!(workers.put((7, 0)), Err((7, 0)), "it is full");
                }
                workers.offer();
                workers.help();
                let mut next = 0;
                workers.take_back(|(n, squared)| {
                    assert_eq!((n, squared), (next + round, n * n));
                    next += 1;
                });
                assert_eq!(next, jobs);
                workers.end();
            }
        }
    }

    #[test]
    fn a_worker_sleeps_until_shortly_before_a_callback() {
        let ms = Duration::from_millis;
        let due = ms(100).as_nanos() as u64;
        assert_eq!(nap(true, ms(0), due, ms(90)), None, "within a callback");
        assert_eq!(nap(false, ms(1), due, ms(97)), Some(ms(3) - EARLY));
        assert_eq!(nap(false, ms(1), due, ms(80)), Some(LONGEST));
        assert_eq!(nap(false, ms(3), due, ms(100)), None, "it is due");
        assert_eq!(nap(false, ms(3), due, ms(101)), Some(LATE), "it does not come");
        assert_eq!(nap(false, ms(1000), due, ms(99)), Some(LONGEST), "nothing is given away");
        assert_eq!((nap(false, ms(0), 0, ms(9)), nap(false, ms(1), 0, ms(9))), (None, Some(SHORT)));
    }
}
