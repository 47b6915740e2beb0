//! Which keys of which channels play a slot, as addresses: `/<slot>/midi/channel`, `keys`, `velocity`, `transpose`, `mpe`, `listens`.
//!
//! What is set counts for keys that are struck from then on. A note that sounds ends by the end of its own key, whatever plays its
//! slot by then.

use super::address_map::Spot;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::scale::Scale;
use super::targets::Target;
use super::value::Value;
use crate::base::names::note_number;
use crate::base::units::Unit;
use crate::patch::{Amount, Zone};

/// How far keys are moved either way [octaves].
const REACH: f32 = 10.0;

/// One part of a slot's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZonePart {
    /// Whether any key plays it.
    Listens,
    /// The channel, 1 to 16; 0: all.
    Channel,
    /// The lowest and the highest key.
    Keys,
    /// The softest and the hardest stroke, 1 to 127.
    Velocity,
    /// How far keys are moved [octaves].
    Transpose,
    /// Whether it is played by an MPE keyboard.
    Mpe,
}

impl ZonePart {
    /// All of them, by their addresses below a slot.
    pub const ALL: [(&'static str, Self); 6] = [
        ("midi/listens", Self::Listens),
        ("midi/channel", Self::Channel),
        ("midi/keys", Self::Keys),
        ("midi/velocity", Self::Velocity),
        ("midi/transpose", Self::Transpose),
        ("midi/mpe", Self::Mpe),
    ];

    /// As it is answered. `[control]`
    pub fn tell(self, zone: &Zone) -> Vec<Value> {
        let both = |(low, high): (u8, u8)| vec![Value::Integer(low.into()), Value::Integer(high.into())];
        match self {
            Self::Listens => vec![Value::Bool(zone.listens)],
            Self::Channel => vec![Value::Integer(zone.channel.unwrap_or(0).into())],
            Self::Keys => both(zone.keys),
            Self::Velocity => both(zone.velocity),
            Self::Transpose => vec![f64::from(zone.transpose).into()],
            Self::Mpe => vec![zone.mpe.map_or("patch".into(), Value::Bool)],
        }
    }

    /// The same zone with this part as given.
    ///
    /// # Errors
    /// What is wanted instead. `[control]`
    pub fn read(self, zone: Zone, values: &[Value]) -> Result<Zone, String> {
        let one = || match values {
            [value] => Ok(value),
            _ => Err(format!("one value is wanted, {} are given", values.len())),
        };
        let number = |value: &Value, of: &str, low: u8, high: u8| {
            let whole = value.number().filter(|x| (f64::from(low)..=f64::from(high)).contains(x) && libm::floor(*x) == *x);
            whole.map(|x| x as u8).ok_or_else(|| format!("{of} from {low} to {high} is wanted; {value} is none"))
        };
        Ok(match self {
            Self::Listens => {
                let value = one()?;
                Zone { listens: switch(value).ok_or_else(|| format!("yes or no is wanted; {value} is neither"))?, ..zone }
            }
            Self::Channel => match one()? {
                Value::Text(word) if word.trim() == "all" => Zone { channel: None, ..zone },
                value => Zone { channel: Some(number(value, "a channel", 0, 16)?).filter(|channel| *channel > 0), ..zone },
            },
            Self::Keys => {
                let key = |value: &Value| match value {
                    Value::Text(name) if value.number().is_none() => note_number(name.trim())
                        .and_then(|number| u8::try_from(number).ok())
                        .filter(|number| *number < 128)
                        .ok_or_else(|| format!("a key is wanted, such as C1 or 36; {name} is none")),
                    _ => number(value, "a key", 0, 127),
                };
                Zone { keys: range(values, key)?, ..zone }
            }
            Self::Velocity => Zone { velocity: range(values, |value| number(value, "a velocity", 1, 127))?, ..zone },
            Self::Transpose => {
                let scale = Scale::linear(Unit::Octaves, -REACH, REACH);
                let wrong = format!("an interval of at most {REACH} octaves is wanted, such as \"-1 oct\" or \"7 st\"");
                match scale.read(one()?) {
                    Ok(read) if !read.clipped => match read.amount {
                        Amount::Plain(transpose) => Zone { transpose, ..zone },
                        Amount::Beats(_) => return Err(wrong),
                    },
                    _ => return Err(wrong),
                }
            }
            Self::Mpe => match one()? {
                Value::Text(word) if word.trim() == "patch" => Zone { mpe: None, ..zone },
                value => {
                    let mpe = switch(value).ok_or_else(|| format!("yes, no or patch is wanted; {value} is none of them"))?;
                    Zone { mpe: Some(mpe), ..zone }
                }
            },
        })
    }
}

fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Text(word) if matches!(word.trim(), "true" | "yes" | "on") => Some(true),
        Value::Text(word) if matches!(word.trim(), "false" | "no" | "off") => Some(false),
        _ => value.number().filter(|x| x.is_finite()).map(|x| x >= 0.5),
    }
}

/// From and to: two values, or one text such as `C1..B3`; one alone is both.
fn range(values: &[Value], one: impl Fn(&Value) -> Result<u8, String>) -> Result<(u8, u8), String> {
    let (low, high) = match values {
        [Value::Text(text)] => {
            let (low, high) = text.split_once("..").unwrap_or((text, text));
            (one(&low.trim().into())?, one(&high.trim().into())?)
        }
        [value] => (one(value)?, one(value)?),
        [low, high] => (one(low)?, one(high)?),
        _ => return Err("the lowest and the highest are wanted".to_owned()),
    };
    if low > high { Err(format!("{low} to {high} goes backward")) } else { Ok((low, high)) }
}

impl Control {
    /// One part of a slot's zone is set.
    pub(super) fn draft_zone(
        &mut self,
        draft: &mut Draft,
        (slot, part): (usize, ZonePart),
        address: &str,
        values: &[Value],
        travel: bool,
    ) -> Result<(), Fail> {
        if travel {
            return Err(self.unknown(address));
        }
        let was = self.slots.get(slot).map_or(Zone::default(), |slot| slot.zone);
        // Read now, so that what is wrong is refused with its packet; read once more when it acts.
        part.read(was, values).map_err(|text| Fail::new(address, Code::WrongArguments, text))?;
        draft.things += 1;
        draft.step(Step::Zone(slot, part, values.to_vec()));
        Ok(())
    }

    /// From now on, the keys of this zone play a slot.
    pub(super) fn set_zone(&mut self, slot: usize, part: ZonePart, values: &[Value]) {
        if let Some(of) = self.slots.get_mut(slot)
            && let Ok(zone) = part.read(of.zone, values)
        {
            of.zone = zone;
        }
    }

    /// One part of a slot's zone, as it is answered.
    pub(super) fn ask_zone(&self, target: Target, part: ZonePart) -> Vec<Value> {
        self.slots.get(target.slot).map(|slot| part.tell(&slot.zone)).unwrap_or_default()
    }
}

impl From<ZonePart> for Spot {
    fn from(part: ZonePart) -> Self {
        Self::Zone(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(part: ZonePart, values: &[Value]) -> Result<Zone, String> {
        part.read(Zone::default(), values)
    }

    #[test]
    fn every_part_is_read_as_it_is_told() {
        let zone = Zone { listens: false, channel: Some(3), keys: (36, 59), velocity: (20, 80), transpose: -1.5, mpe: Some(true) };
        for (address, part) in ZonePart::ALL {
            let back = read(part, &part.tell(&zone)).unwrap_or_else(|why| panic!("{address}: {why}"));
            assert_eq!(part.tell(&back), part.tell(&zone), "{address}");
            assert_ne!(back, Zone::default(), "{address}");
            assert_eq!(read(part, &part.tell(&Zone::default())), Ok(Zone::default()), "{address}");
        }
    }

    #[test]
    fn ranges_are_two_values_or_a_text() {
        for values in [vec!["C2..B3".into()], vec!["36..59".into()], vec![Value::Integer(36), "B3".into()]] {
            assert_eq!(read(ZonePart::Keys, &values).map(|zone| zone.keys), Ok((36, 59)), "{values:?}");
        }
        assert_eq!(read(ZonePart::Keys, &["C4".into()]).map(|zone| zone.keys), Ok((60, 60)));
        assert_eq!(read(ZonePart::Velocity, &["1..80".into()]).map(|zone| zone.velocity), Ok((1, 80)));
        assert_eq!(read(ZonePart::Channel, &["all".into()]).map(|zone| zone.channel), Ok(None));
        assert_eq!(read(ZonePart::Transpose, &["7 st".into()]).map(|zone| zone.transpose), Ok(7.0 / 12.0));
        for (part, values) in [
            (ZonePart::Keys, vec!["B3..C2".into()]),
            (ZonePart::Keys, vec![Value::Integer(128)]),
            (ZonePart::Keys, vec![Value::Number(1.5)]),
            (ZonePart::Keys, vec!["H2".into()]),
            (ZonePart::Velocity, vec![Value::Integer(0), Value::Integer(80)]),
            (ZonePart::Channel, vec![Value::Integer(17)]),
            (ZonePart::Channel, vec![]),
            (ZonePart::Transpose, vec!["800 Hz".into()]),
            (ZonePart::Transpose, vec![Value::Integer(11)]),
            (ZonePart::Mpe, vec!["perhaps".into()]),
            (ZonePart::Listens, vec!["perhaps".into()]),
        ] {
            assert!(read(part, &values).is_err(), "{part:?} {values:?}");
        }
    }
}
