//! When frames are heard, told calmly: the wall clock and a device's clock drift apart, and callbacks come late by chance.
//!
//! The middle of what is measured is found by a delay-locked loop: Fons Adriaensen, "Using a DLL to filter time", 2005. Time tags are
//! read by a line of the nominal slope, so that two bundles 1 ms apart are as far apart in frames, whatever the loop does.

use crate::base::time::SampleTime;
use crate::rt::clock::WallClock;

/// Bandwidth of the loop [Hz].
const BANDWIDTH: f64 = 0.1;
/// What the loop is shown of an error at most [ns]: a callback that is late once says little.
const BELIEVED: f64 = 2e6;
/// Fastest drift that is believed, as a part of the rate: no clock is worse.
const FASTEST: f64 = 500e-6;
/// The line moves by one frame in so many at most, which is 100 ms at 48 kHz…
const STEP: f64 = 4800.0;
/// …and this often in any case [1/s].
const LEAST_STEPS: f64 = 10.0;
/// Error beyond which the line may have to begin anew: time was lost, or the wall clock was set [ns].
const JUMP: f64 = 10e6;
/// What errors beyond that differ by at most where all have the same cause [ns].
const ALIKE: f64 = 5e6;
/// How long they must be alike [s]. While a stop is caught up they are not.
const SURE: f64 = 0.1;
/// After so long the line begins anew, alike or not [s].
const LONG: f64 = 1.0;
/// And not before so many callbacks have said so.
const CALLS: u32 = 3;

/// Callbacks that are beyond [`JUMP`], one after another, all on the same side.
#[derive(Clone, Copy, Debug)]
struct Astray {
    /// The first of them.
    first: SampleTime,
    calls: u32,
    /// The first of those that are alike, and how many these are.
    alike: SampleTime,
    alike_calls: u32,
    /// Least and greatest error of those [ns].
    least: f64,
    most: f64,
}

impl Astray {
    fn new(frame: SampleTime, error: f64) -> Self {
        Self { first: frame, calls: 1, alike: frame, alike_calls: 1, least: error, most: error }
    }

    fn add(&mut self, frame: SampleTime, error: f64) {
        self.calls += 1;
        let (least, most) = (self.least.min(error), self.most.max(error));
        if most - least > ALIKE {
            (self.alike, self.alike_calls, self.least, self.most) = (frame, 1, error, error);
        } else {
            (self.alike_calls, self.least, self.most) = (self.alike_calls + 1, least, most);
        }
    }
}

/// Keeps a clock's line between frames and moments: of the nominal slope; its offset follows what is measured by whole frames, seldom.
#[derive(Debug)]
pub(super) struct Discipline {
    clock: WallClock,
    rate: f64,
    /// Who drove last.
    driver: u64,
    /// A frame and its moment on the line [ns since 1970].
    line: Option<(SampleTime, i64)>,
    /// What the loop holds: the measured less the line [ns], and how fast that grows [ns/s].
    offset: f64,
    drift: f64,
    last: SampleTime,
    /// Frames by which the line may move now.
    credit: f64,
    astray: Option<Astray>,
}

impl Discipline {
    /// Over a clock, at a rate [Hz]. `[control]`
    pub fn new(clock: WallClock, rate: u32) -> Self {
        let rate = f64::from(rate.max(1));
        Self { clock, rate, driver: 0, line: None, offset: 0.0, drift: 0.0, last: 0, credit: 0.0, astray: None }
    }

    /// The clock whose line it keeps. `[any]`
    pub fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// A frame is worked out now and will be heard so much later [ns], as this driver measures it. `[audio]`
    pub fn measure(&mut self, driver: u64, frame: SampleTime, ahead: i64) {
        let heard = self.clock.wall().now().saturating_add(ahead);
        self.heard(driver, frame, heard);
    }

    /// A frame is heard at this moment [ns since 1970]; whether the line has changed. `[audio]`
    fn heard(&mut self, driver: u64, frame: SampleTime, heard: i64) -> bool {
        let nanos = 1e9 / self.rate;
        let Some((from, moment)) = self.line.filter(|_| driver == self.driver) else {
            self.driver = driver;
            self.drift = 0.0;
            return self.begin(frame, heard);
        };
        let on_line = moment.saturating_add(((frame - from) as f64 * nanos) as i64);
        let error = heard.saturating_sub(on_line) as f64;
        let passed = (frame - self.last) as f64 / self.rate;
        self.last = frame;
        if self.is_astray(frame, error) {
            // The one that was least late says it best.
            let least = self.astray.map_or(error, |astray| astray.least);
            return self.begin(frame, on_line.saturating_add(least as i64));
        }
        self.follow(error, passed);
        let fresh = passed * (self.rate / STEP).max(LEAST_STEPS);
        self.credit = (self.credit + fresh).min(1.0 + fresh);
        let frames = (self.offset.abs() / nanos).min(self.credit).floor();
        if frames < 1.0 {
            return false;
        }
        self.credit -= frames;
        let step = frames * nanos * self.offset.signum();
        self.offset -= step;
        self.anchor(frame, on_line + step as i64);
        true
    }

    /// Whether it is sure that the line is not where frames are heard any more.
    fn is_astray(&mut self, frame: SampleTime, error: f64) -> bool {
        if error.abs() <= JUMP {
            self.astray = None;
            return false;
        }
        match &mut self.astray {
            Some(astray) if (astray.least > 0.0) == (error > 0.0) => astray.add(frame, error),
            astray => *astray = Some(Astray::new(frame, error)),
        }
        let Some(astray) = &self.astray else { return false };
        let since = |first: SampleTime| (frame - first) as f64 / self.rate;
        (astray.alike_calls >= CALLS && since(astray.alike) >= SURE) || (astray.calls >= CALLS && since(astray.first) >= LONG)
    }

    /// One turn of the loop, so long after the last [s].
    fn follow(&mut self, error: f64, passed: f64) {
        let omega = (std::f64::consts::TAU * BANDWIDTH * passed).min(0.5);
        if omega <= 0.0 {
            return;
        }
        self.offset += self.drift * passed;
        // What is far off says nothing of the drift.
        let wrong = if self.astray.is_some() { 0.0 } else { (error - self.offset).clamp(-BELIEVED, BELIEVED) };
        self.offset += std::f64::consts::SQRT_2 * omega * wrong;
        self.drift = (self.drift + omega * omega * wrong / passed).clamp(-FASTEST * 1e9, FASTEST * 1e9);
    }

    fn begin(&mut self, frame: SampleTime, heard: i64) -> bool {
        (self.offset, self.last, self.credit, self.astray) = (0.0, frame, 0.0, None);
        self.anchor(frame, heard);
        true
    }

    fn anchor(&mut self, frame: SampleTime, moment: i64) {
        self.line = Some((frame, moment));
        self.clock.anchor(frame, moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_790_000_000_000_000_000;

    /// A clock that callbacks of some frames drive; each is late as is said [ns].
    struct Driven {
        clock: WallClock,
        discipline: Discipline,
        rate: u32,
        buffer: u64,
        ppm: f64,
        frame: u64,
        /// The wall clock was set on by so much [ns].
        set: i64,
        moves: usize,
        chance: u64,
    }

    impl Driven {
        fn new(rate: u32, buffer: u64, ppm: f64) -> Self {
            let clock = WallClock::new(rate);
            let discipline = Discipline::new(clock.clone(), rate);
            Self { clock, discipline, rate, buffer, ppm, frame: 0, set: 0, moves: 0, chance: 1 }
        }

        fn exact(&self) -> i64 {
            START + self.set + (self.frame as f64 / f64::from(self.rate) * 1e9 * (1.0 + self.ppm / 1e6)) as i64
        }

        /// The next callback; how far the clock is off at it [ms].
        fn call(&mut self, late: i64) -> f64 {
            self.frame += self.buffer;
            self.moves += usize::from(self.discipline.heard(1, self.frame, self.exact() + late));
            (self.clock.unix_nanos_of(self.frame).unwrap() - self.exact()) as f64 / 1e6
        }

        /// The same, late by chance up to 1 ms.
        fn call_by_chance(&mut self) -> f64 {
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.call((self.chance >> 44) as i64 * 1_000_000 / (1 << 20))
        }

        fn seconds(&self, seconds: u64) -> u64 {
            seconds * u64::from(self.rate) / self.buffer
        }

        fn run(&mut self, seconds: u64) -> f64 {
            (0..self.seconds(seconds)).fold(0.0, |_, _| self.call_by_chance())
        }
    }

    #[test]
    fn an_hour_on_a_clock_that_is_off_stays_within_a_millisecond() {
        for (rate, buffer, ppm) in [
            (48_000, 256, -200.0),
            (48_000, 256, 0.0),
            (48_000, 256, 200.0),
            (48_000, 4096, 200.0),
            (44_100, 64, -200.0),
            (96_000, 512, 200.0),
        ] {
            let mut driven = Driven::new(rate, buffer, ppm);
            driven.run(60);
            let before = driven.moves;
            let worst = (0..driven.seconds(3540)).fold(0.0f64, |worst, _| worst.max(driven.call_by_chance().abs()));
            assert!(worst < 1.2, "{rate} Hz, {buffer} frames, {ppm} ppm: {worst} ms");
            assert!(
                (driven.moves - before) as u64 <= 3540 * u64::from(rate / 4800).max(10),
                "{rate} Hz, {buffer} frames, {ppm} ppm: {} moves",
                driven.moves
            );
        }
        let mut exact = Driven::new(48_000, 256, 0.0);
        exact.run(60);
        let before = exact.moves;
        exact.run(600);
        assert!(exact.moves - before < 600, "chance alone moves it seldom: {} times", exact.moves - before);
    }

    #[test]
    fn callbacks_that_are_late_once_do_not_move_it() {
        let mut driven = Driven::new(48_000, 480, 0.0);
        driven.call(0);
        for call in 1..3000u64 {
            let late = if call % 7 == 3 { 80_000_000 } else { (call % 3) as i64 * 1_000_000 };
            let off = driven.call(late);
            assert!((-0.1..2.0).contains(&off), "callback {call}: {off} ms");
        }
        let mut driven = Driven::new(48_000, 256, 0.0);
        (0..2000).for_each(|_| _ = driven.call(0));
        driven.call(80_000_000);
        (0..2000).for_each(|_| _ = driven.call(0));
        assert_eq!(driven.moves, 1, "one in a long time moves nothing at all");
    }

    #[test]
    fn a_clock_that_is_set_by_an_hour_is_followed_within_a_fifth_of_a_second() {
        for hour in [3_600_000_000_000, -3_600_000_000_000, 50_000_000, -50_000_000] {
            for buffer in [64, 256, 2048] {
                let mut driven = Driven::new(48_000, buffer, 50.0);
                driven.run(60);
                driven.set += hour;
                (0..10_000 / buffer).for_each(|_| _ = driven.call_by_chance());
                let off = driven.call_by_chance();
                assert!(off.abs() < 1.2, "{buffer} frames: {off} ms after the step");
                let before = driven.moves;
                driven.run(1);
                assert!(driven.moves - before <= 10, "it is calm at once");
            }
        }
    }

    #[test]
    fn a_stop_that_is_caught_up_moves_nothing() {
        let mut driven = Driven::new(48_000, 256, 0.0);
        driven.run(10);
        // 190 ms late, then one block after another in no time.
        let mut late = 190_000_000;
        while late > 0 {
            assert!(driven.call(late).abs() < 1.2);
            late -= 5_333_333;
        }
        assert!(driven.call_by_chance().abs() < 1.2);
    }

    #[test]
    fn lost_time_and_another_driver_begin_a_new_line() {
        let clock = WallClock::new(1_000);
        let mut discipline = Discipline::new(clock.clone(), 1_000);
        let moment = |frame: u64| clock.unix_nanos_of(frame).unwrap();
        assert!(discipline.heard(1, 0, START));
        assert!(!discipline.heard(1, 100, START + 100_000_000));
        let lost = START + 5_000_000_000;
        assert!(!discipline.heard(1, 200, lost) && !discipline.heard(1, 260, lost + 60_000_000));
        assert!(discipline.heard(1, 320, lost + 120_000_000), "5 s are gone");
        assert_eq!(moment(200), lost);
        assert!(discipline.heard(2, 400, lost + 290_000_000), "another device's delay");
        assert_eq!(moment(400), lost + 290_000_000);
        assert!(!discipline.heard(2, 500, lost + 390_000_000));
    }
}
