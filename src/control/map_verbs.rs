//! The verbs of maps: learn, list, set, clear, save.

use super::bound::{Bound, Goal, LEARN, Layer};
use super::control::Control;
use super::fail::{Code, Fail};
use super::learn::KINDS;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::units::Unit;
use crate::module::Curve;
use crate::patch::values::spell;
use crate::patch::{MapSource, MapSpec, Relative, Written, map_source, spell_source};

fn wrong(call: Call<'_>, text: impl Into<String>) -> Fail {
    Fail::new(call.address, Code::WrongArguments, text)
}

fn done(call: Call<'_>, count: usize) -> Message {
    Message::new("/done", vec![call.address.into(), Value::Integer(count as i64)])
}

/// A source as it is written, such as `cc 74 ch 2`.
fn source_of(call: Call<'_>, text: &str) -> Result<MapSource, Fail> {
    let source = map_source(text).map_err(|why| wrong(call, why))?;
    if let MapSource::Osc(address) = &source {
        let first = address.trim_start_matches('/').split('/').next().unwrap_or("");
        if crate::base::names::FIRST_WORDS.contains(&first) {
            return Err(wrong(call, format!("addresses that begin with /{first} mean something else")));
        }
    }
    Ok(source)
}

/// `/map/learn`: picks what is learnt for, or begins and ends learning.
pub(super) fn learn(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let (mut picked, mut kinds) = (Vec::new(), Vec::new());
    for value in call.values {
        let Value::Text(word) = value else { return Err(wrong(call, format!("{value} is no address"))) };
        if KINDS.contains(&word.as_str()) {
            kinds.push(word.clone());
        } else if word == LEARN {
            picked.push(word.clone());
        } else {
            picked.push(control.turnable(call, word)?);
        }
    }
    if picked.is_empty() && kinds.is_empty() && control.maps.learning.is_some() {
        return finish(control, call);
    }
    control.pick(call.client, picked.clone(), kinds);
    Ok(vec![Message::new("/map/learning", picked.first().map(|first| first.as_str().into()).into_iter().collect())])
}

/// `/map/done`
pub(super) fn finish(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let learnt = control.maps.learning.as_ref().map_or(0, |learning| learning.learnt.len());
    if control.maps.learning.as_ref().is_some_and(|learning| learning.client == call.client) {
        control.maps.learning = None;
    } else {
        control.end_learning("asked");
    }
    Ok(vec![done(call, learnt)])
}

/// `/map/cancel`
pub(super) fn cancel(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let forgotten = control.cancel_learning();
    Ok(vec![done(call, forgotten)])
}

/// `/map/list`: a message for each target of each map.
pub(super) fn list(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let only = match call.values {
        [] => None,
        [Value::Text(what)] => Some(what.as_str()),
        _ => return Err(wrong(call, "a slot, a target or a source is wanted, or nothing for all")),
    };
    let mut told = Vec::new();
    for bound in &control.maps.all {
        for end in &bound.ends {
            let meant = match only {
                None => true,
                Some(what) => {
                    let slot = end.name.split('/').nth(1) == Some(what);
                    slot || spell_source(&bound.source) == what || end.name == what || Control::dotted(&end.name) == what
                }
            };
            // What was cleared acts no more and is no more.
            if meant && !control.maps.cleared.contains(&(bound.source.clone(), end.name.clone())) {
                told.push(Message::new(call.address, control.describe_map(bound, &end.name, &end.goal)));
            }
        }
    }
    let count = told.len();
    told.push(done(call, count));
    Ok(told)
}

/// `/map/set source target [key value]…`
pub(super) fn set(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let [Value::Text(source), Value::Text(target), keys @ ..] = call.values else {
        return Err(wrong(call, "a source such as \"cc 20\" and a target are wanted, then keys and values"));
    };
    let address = if target == LEARN { LEARN.to_owned() } else { control.turnable(call, target)? };
    let mut spec = MapSpec::new(source_of(call, source)?, Control::dotted(&address));
    let mut rest = keys.iter();
    while let Some(key) = rest.next() {
        let key = key.to_string();
        let mut next = || rest.next().ok_or_else(|| wrong(call, format!("`{key}` wants a value")));
        let number = |value: &Value| value.number().filter(|x| x.is_finite()).ok_or_else(|| wrong(call, format!("{value} is no number")));
        let written = |value: &Value| match value {
            Value::Text(text) => Written::Text(text.clone()),
            other => Written::Number(other.number().unwrap_or(0.0)),
        };
        let yes = |value: &Value| match value {
            Value::Bool(yes) => Ok(*yes),
            Value::Text(text) if text == "true" || text == "false" => Ok(text == "true"),
            other => number(other).map(|x| x >= 0.5),
        };
        match key.as_str() {
            "from" => {
                let (low, high) = (number(next()?)?, number(next()?)?);
                if low == high {
                    return Err(wrong(call, "`from` is two different numbers"));
                }
                spec.range_in = Some((low as f32, high as f32));
            }
            "min" => spec.min = Some(written(next()?)),
            "max" => spec.max = Some(written(next()?)),
            "curve" => spec.curve = Some(curve_of(next()?).ok_or_else(|| wrong(call, "a curve is linear, log or an exponent such as 2"))?),
            "pickup" => spec.pickup = yes(next()?)?,
            "toggle" => spec.toggle = yes(next()?)?,
            "relative" => {
                let value = next()?;
                spec.relative = match value.text().and_then(Relative::of) {
                    Some(relative) => Some(relative),
                    None => {
                        let names = Relative::ALL.map(|(name, _)| name).join(", ");
                        yes(value).map_err(|_| wrong(call, format!("relative is true or one of {names}")))?.then_some(Relative::Auto)
                    }
                };
            }
            "step" => {
                let step = number(next()?)?;
                if !(0.0001..=1.0).contains(&step) {
                    return Err(wrong(call, "`step` goes from 0.0001 to 1"));
                }
                spec.step = Some(step as f32);
            }
            _ => return Err(wrong(call, format!("there is no key {key}; a map has from min max curve pickup toggle relative step"))),
        }
    }
    if let Some(why) = spec.contradiction() {
        return Err(wrong(call, why));
    }
    if let Some(why) = control.bound_of(&spec, Layer::Rack, None).wrong {
        return Err(wrong(call, why));
    }
    let from = spec.from.clone();
    control.make(spec, None);
    let mut told = vec![call.address.into(), spell_source(&from).into(), address.as_str().into()];
    for also in control.turned_by(&from).into_iter().filter(|also| *also != address) {
        told.extend(["also".into(), also.into()]);
    }
    Ok(vec![Message::new("/done", told)])
}

fn curve_of(value: &Value) -> Option<Curve> {
    match (value.text(), value.number()) {
        (Some("linear"), _) => Some(Curve::Linear),
        (Some("log"), _) => Some(Curve::Log),
        (_, Some(n)) if (0.01..=100.0).contains(&n) => Some(Curve::Power(n as f32)),
        _ => None,
    }
}

/// `/map/clear`: one target's, one source's, all.
pub(super) fn clear(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let [Value::Text(what)] = call.values else { return Err(wrong(call, "a target, a source or all is wanted")) };
    let all = what == "all";
    let address = if all { None } else { control.address_of(what).or_else(|| (what == LEARN).then(|| LEARN.to_owned())) };
    let source = if all { None } else { map_source(what).ok() };
    if !all && address.is_none() && source.is_none() {
        return Err(control.unknown_map(call, what));
    }
    let meant =
        |from: &MapSource, name: &str| all || address.as_deref() == Some(name) || source.as_ref().is_some_and(|source| *source == *from);
    let mut cleared = Vec::new();
    for bound in &control.maps.all {
        for end in bound.ends.iter().filter(|end| meant(&bound.source, &end.name)) {
            let entry = (bound.source.clone(), end.name.clone());
            if !control.maps.cleared.contains(&entry) {
                cleared.push((entry, bound.layer.clone()));
            }
        }
    }
    let count = cleared.len();
    if count == 0 {
        return Err(Fail::new(call.address, Code::UnknownAddress, format!("nothing is bound to {what}")));
    }
    let mut made: Vec<(MapSource, String)> = Vec::new();
    for (entry, layer) in cleared {
        match layer {
            Layer::Made(_) => made.push(entry),
            // It stands in a file, which is written only when that is asked for.
            Layer::Device(_) | Layer::Rack | Layer::Patch(_) => {
                control.maps.cleared.insert(entry);
            }
        }
    }
    let mut kept = std::mem::take(&mut control.maps.made);
    kept.retain(|one| {
        !one.spec.to.iter().any(|name| made.iter().any(|(from, address)| *from == one.spec.from && Control::dotted(address) == *name))
    });
    control.maps.made = kept;
    control.bind_anew();
    Ok(vec![done(call, count)])
}

impl Control {
    /// The address of something that a map can turn.
    fn turnable(&self, call: Call<'_>, name: &str) -> Result<String, Fail> {
        let address = self.address_of(name).ok_or_else(|| self.unknown_map(call, name))?;
        match self.find_target(&address).and_then(|target| self.map_scale(target)) {
            Some(_) => Ok(address),
            None => Err(wrong(call, format!("{address} is a list, which no controller can turn"))),
        }
    }

    fn unknown_map(&self, call: Call<'_>, name: &str) -> Fail {
        let address = if name.starts_with('/') { name.to_owned() } else { format!("/{}", name.replace('.', "/")) };
        let Fail { text, code, .. } = self.unknown(&address);
        Fail::new(call.address, code, text)
    }

    /// A map as names and values: source, target, then what is said of it, and who made it.
    fn describe_map(&self, bound: &Bound, name: &str, goal: &Goal) -> Vec<Value> {
        let law = &bound.law;
        let mut told: Vec<Value> = vec![spell_source(&bound.source).into(), name.into()];
        let mut say = |key: &str, value: Value| told.extend([key.into(), value]);
        if let Some((from, to)) = law.range_in {
            say("from", format!("{from} {to}").into());
        }
        if let (Some((min, max)), Goal::Value(target)) = (law.range_out, goal)
            && let Some(scale) = self.map_scale(*target)
        {
            let end = |x: f32| match scale.unit {
                Unit::Number | Unit::Audio | Unit::Gate | Unit::Trigger => f64::from(x).into(),
                unit => Value::Text(spell(unit, x)),
            };
            say("min", end(min));
            say("max", end(max));
        }
        match law.curve {
            None => {}
            Some(Curve::Linear) => say("curve", "linear".into()),
            Some(Curve::Log) => say("curve", "log".into()),
            Some(Curve::Power(n)) => say("curve", f64::from(n).into()),
        }
        if law.pickup {
            say("pickup", Value::Bool(true));
        }
        if law.toggle {
            say("toggle", Value::Bool(true));
        }
        if let Some(relative) = law.relative {
            say("relative", relative.name().into());
        }
        if let Some(step) = law.step {
            say("step", f64::from(step).into());
        }
        say("by", self.layer_name(&bound.layer).into());
        if let Some(wrong) = &bound.wrong {
            say("wrong", wrong.as_str().into());
        } else if *goal == Goal::Idle {
            say("idle", Value::Bool(true));
        }
        told
    }
}
