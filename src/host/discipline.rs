//! When frames are heard, told calmly: the wall clock and a device's clock drift apart, and callbacks come late by chance.

use crate::base::time::SampleTime;

/// Error beyond which the line is drawn anew: time was lost, or the wall clock was set [ns].
const JUMP: f64 = 100e6;
/// Time in which the mean of the errors forgets [s].
const MEMORY: f64 = 2.0;
/// Steps come no closer than this [s].
const STEP: f64 = 0.1;

/// A line between frames and moments, of the nominal slope; its offset follows what is measured by whole frames, seldom.
#[derive(Debug)]
pub(super) struct Discipline {
    rate: f64,
    /// Who drove last.
    driver: u64,
    /// Moment of the line at `from`, [ns since 1970].
    line: Option<(SampleTime, i64)>,
    /// Mean of what was measured less the line [ns].
    error: f64,
    last: SampleTime,
    stepped: SampleTime,
}

impl Discipline {
    /// No line yet, at a rate [Hz]. `[control]`
    pub fn new(rate: u32) -> Self {
        Self { rate: f64::from(rate.max(1)), driver: 0, line: None, error: 0.0, last: 0, stepped: 0 }
    }

    /// A frame is going to be heard at this moment [ns since 1970], as this driver measures it. Where the line changes: the moment of
    /// that frame on it. `[audio]`
    pub fn measure(&mut self, driver: u64, frame: SampleTime, heard: i64) -> Option<i64> {
        let nanos = 1e9 / self.rate;
        let Some((from, moment)) = self.line.filter(|_| driver == self.driver) else {
            return self.begin(driver, frame, heard);
        };
        let on_line = moment + ((frame - from) as f64 * nanos) as i64;
        let error = (heard - on_line) as f64;
        if error.abs() > JUMP {
            return self.begin(driver, frame, heard);
        }
        let passed = (frame - self.last) as f64 / self.rate;
        self.last = frame;
        let share = passed / MEMORY;
        self.error += (error - self.error) * if share < 1.0 { share } else { 1.0 };
        if ((frame - self.stepped) as f64) < STEP * self.rate || self.error.abs() < nanos {
            return None;
        }
        let step = if self.error > 0.0 { nanos } else { -nanos };
        self.error -= step;
        self.stepped = frame;
        self.line = Some((frame, on_line + step as i64));
        Some(on_line + step as i64)
    }

    fn begin(&mut self, driver: u64, frame: SampleTime, heard: i64) -> Option<i64> {
        (self.driver, self.line, self.error) = (driver, Some((frame, heard)), 0.0);
        (self.last, self.stepped) = (frame, frame);
        Some(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_790_000_000_000_000_000;

    /// Callbacks of 256 frames on a device whose clock is off by `ppm`, each late by chance up to 1 ms: the line's worst error in ms
    /// in the second half, and how often it moved.
    fn follow(ppm: f64, seconds: u64) -> (f64, usize) {
        let mut discipline = Discipline::new(48_000);
        let (mut line, mut worst, mut moves, mut chance) = ((0u64, 0i64), 0.0f64, 0, 1u64);
        for call in 0..seconds * 48_000 / 256 {
            let frame = call * 256;
            let exact = START + (frame as f64 / 48_000.0 * 1e9 * (1.0 + ppm / 1e6)) as i64;
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let late = (chance >> 44) as i64 * 1_000_000 / (1 << 20);
            if let Some(moment) = discipline.measure(1, frame, exact + late) {
                line = (frame, moment);
                moves += 1;
            }
            if call > seconds * 48_000 / 512 {
                let on_line = line.1 + ((frame - line.0) as f64 / 48_000.0 * 1e9) as i64;
                worst = worst.max((on_line - exact).abs() as f64 / 1e6);
            }
        }
        (worst, moves)
    }

    #[test]
    fn an_hour_on_a_clock_that_is_off_stays_within_a_millisecond() {
        for ppm in [-80.0, 0.0, 80.0] {
            let (worst, moves) = follow(ppm, 3600);
            println!("{ppm} ppm: worst {worst:.3} ms, {moves} moves in an hour");
            assert!(worst < 1.2, "{ppm} ppm: {worst} ms");
            assert!(moves < 36_000);
        }
        assert!(follow(0.0, 600).1 < 600, "chance alone moves it seldom");
    }

    #[test]
    fn lost_time_and_another_driver_begin_a_new_line() {
        let mut discipline = Discipline::new(1_000);
        assert_eq!(discipline.measure(1, 0, START), Some(START));
        assert_eq!(discipline.measure(1, 100, START + 100_000_000), None);
        assert_eq!(discipline.measure(1, 200, START + 5_000_000_000), Some(START + 5_000_000_000), "5 s are gone");
        assert_eq!(discipline.measure(2, 300, START + 5_090_000_000), Some(START + 5_090_000_000), "another device's delay");
        assert_eq!(discipline.measure(2, 400, START + 5_190_000_000), None);
    }
}
