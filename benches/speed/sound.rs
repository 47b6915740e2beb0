//! Whether a render is the sound that was meant: its length, its level, its octave bands.

use std::path::Path;

use realfft::RealFftPlanner;

/// The lowest octave begins here [Hz].
const LOWEST: f64 = 40.0;
const OCTAVES: usize = 9;

/// How far a level may be from the reference's, and a band after levelling [dB].
const LEVEL_OFF: f64 = 4.0;
const BAND_OFF: f64 = 5.0;

/// Bands this far below the loudest do not matter [dB].
const FAINT: f64 = 25.0;

/// What was measured of a render.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Of the louder side, from 1 s to 0.8 s before the end [dB].
    pub level: f64,
    /// The octaves from 40 Hz up, of the same side [dB].
    pub bands: [f64; OCTAVES],
    pub finite: bool,
}

/// How long a WAV file is [s].
pub fn seconds(path: &Path) -> Result<f64, String> {
    let reader = hound::WavReader::open(path).map_err(|error| error.to_string())?;
    Ok(f64::from(reader.duration()) / f64::from(reader.spec().sample_rate))
}

fn decibels(power: f64) -> f64 {
    10.0 * (power + 1e-30).log10()
}

/// Measures a WAV file.
pub fn measure(path: &Path) -> Result<Sound, String> {
    let mut reader = hound::WavReader::open(path).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => {
            let full = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader.samples::<i32>().map(|sample| sample.map(|x| x as f32 / full)).collect()
        }
    };
    let samples = samples.map_err(|error| error.to_string())?;
    let channels = usize::from(spec.channels);
    let rate = f64::from(spec.sample_rate);
    let frames = samples.len() / channels;
    let (from, to) = (rate as usize, (1.5 * rate).max(frames as f64 - 0.8 * rate) as usize);
    if frames < to {
        return Err(format!("only {:.1} s long", frames as f64 / rate));
    }
    let side = |channel: usize| samples[from * channels..to * channels].iter().skip(channel).step_by(channels).map(|x| f64::from(*x));
    let power = |channel| side(channel).map(|x| x * x).sum::<f64>() / (to - from) as f64;
    let louder = if channels > 1 && power(1) > power(0) { 1 } else { 0 };
    let level = decibels(power(louder));

    let length = 1 << (to - from).ilog2();
    let window = |at: usize| 0.5 - 0.5 * (std::f64::consts::TAU * at as f64 / length as f64).cos();
    let mut wave: Vec<f64> = side(louder).take(length).enumerate().map(|(at, x)| x * window(at)).collect();
    let transform = RealFftPlanner::new().plan_fft_forward(length);
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut wave, &mut spectrum).map_err(|error| error.to_string())?;
    let bin = rate / length as f64;
    let bands = std::array::from_fn(|octave| {
        let low = (LOWEST * f64::from(1 << octave) / bin).ceil() as usize;
        let high = (LOWEST * f64::from(2 << octave) / bin).ceil() as usize;
        decibels(spectrum[low..high.min(spectrum.len())].iter().map(|x| x.norm_sqr()).sum::<f64>() / (length as f64).powi(2))
    });
    let finite = samples.iter().all(|x| x.is_finite());
    Ok(Sound { level, bands, finite })
}

impl Sound {
    /// What is wrong beside the reference; nothing where it is the same sound.
    pub fn against(&self, reference: Option<&Self>) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.finite {
            wrong.push("not finite".to_string());
        }
        if self.level < -60.0 {
            wrong.push("silent".to_string());
        }
        let Some(reference) = reference else { return wrong };
        let louder = self.level - reference.level;
        if louder.abs() > LEVEL_OFF {
            wrong.push(format!("level {louder:+.1} dB"));
        }
        let top = reference.bands.iter().copied().fold(f64::MIN, f64::max);
        for (octave, (band, beside)) in self.bands.iter().zip(&reference.bands).enumerate() {
            let off = band - beside - louder;
            if *beside > top - FAINT && off.abs() > BAND_OFF {
                wrong.push(format!("octave from {} Hz {off:+.1} dB", LOWEST as u32 * (1 << octave)));
            }
        }
        wrong
    }
}
