//! Maps whose targets are names: of a rack, of a device, or made while playing. What they turn may not be there yet.

use std::ops::Range;

use toml::de::DeValue;

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::module::Curve;

use super::codes;
use super::controls::curve_of;
use super::document::{self, Entry, LARGEST};
use super::findings::Findings;
use super::map_form::{Form, Keys, contradiction};
use super::model::{MapSource, Relative};
use super::reading::{Reading, as_number};
use super::scope::short;

/// One map, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct MapSpec {
    /// What comes.
    pub from: MapSource,
    /// What it turns, dotted, with the slot: `bass.filter.cutoff`, `master.level`.
    pub to: Vec<String>,
    /// What counts as 0 and as 1; `None`: 0..1 as it comes.
    pub range_in: Option<(f32, f32)>,
    /// Where 0 leads; `None`: to the target's own lowest.
    pub min: Option<Written>,
    /// Where 1 leads; `None`: to the target's own highest.
    pub max: Option<Written>,
    /// The curve; `None`: the target's own.
    pub curve: Option<Curve>,
    /// Acts only once the controller has passed the present value.
    pub pickup: bool,
    /// Each press turns it over.
    pub toggle: bool,
    /// The controller has no place: it says how far it was turned.
    pub relative: Option<Relative>,
    /// Travel of one click of a relative controller; `None`: as suits the target.
    pub step: Option<f32>,
    /// Where it stands in the source; empty where it stands in none.
    pub span: Range<usize>,
    /// Where each of `to` stands there; none where it stands in none.
    pub to_spans: Vec<Range<usize>>,
}

/// A number in the target's own unit, or with its unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// A number.
    Number(f64),
    /// `"200 Hz"`.
    Text(String),
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(x) => write!(f, "{x}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl MapSpec {
    /// A plain map from one thing to another. `[control]`
    pub fn new(from: MapSource, to: impl Into<String>) -> Self {
        Self {
            from,
            to: vec![to.into()],
            range_in: None,
            min: None,
            max: None,
            curve: None,
            pickup: false,
            toggle: false,
            relative: None,
            step: None,
            span: 0..0,
            to_spans: Vec::new(),
        }
    }

    /// The same without its places in the text, so that two can be compared. `[control]`
    #[must_use]
    pub fn without_places(&self) -> Self {
        Self { span: 0..0, to_spans: Vec::new(), ..self.clone() }
    }

    /// What is wrong where its keys do not go together. `[control]`
    pub fn contradiction(&self) -> Option<&'static str> {
        let keys = Keys {
            from: Some(&self.from),
            range_in: self.range_in.is_some(),
            pickup: self.pickup,
            toggle: self.toggle,
            relative: self.relative.is_some(),
            step: self.step.is_some(),
        };
        contradiction(keys).map(|(message, _)| message)
    }

    /// Whether nothing is said but source and target. `[control]`
    pub fn is_plain(&self) -> bool {
        self.without_places() == Self { to: self.to.clone(), ..Self::new(self.from.clone(), "") }
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads the `[map]` of a rack or a profile: targets are not looked for.
    pub fn map_specs(&mut self, entries: &[Entry<'d, 't>]) -> Vec<MapSpec> {
        let forms: Vec<Form<'d, 't>> = entries.iter().flat_map(|entry| self.forms(entry)).collect();
        forms.iter().filter_map(|form| self.map_spec(form)).collect()
    }

    fn map_spec(&mut self, form: &Form<'d, 't>) -> Option<MapSpec> {
        // What is asked for and wrong makes the whole wrong.
        let mut end = |entry: &Option<Entry<'d, 't>>| match entry {
            None => Some(None),
            Some(entry) => self.written(entry).map(Some),
        };
        let (min, max) = (end(&form.min), end(&form.max));
        let curve = match &form.curve {
            None => None,
            Some(entry) => Some(curve_of(entry.value).or_else(|| {
                let help = "\"linear\", \"log\", or an exponent such as 2";
                self.findings.report(Diagnostic::error(codes::BAD_CURVE, entry.span.clone(), "this is no curve").help(help));
                None
            })?),
        };
        Some(MapSpec {
            from: form.from.clone()?,
            to: form.to.iter().map(|(name, _)| name.trim_start_matches('/').replace('/', ".")).collect(),
            range_in: form.range_in,
            min: min?,
            max: max?,
            curve,
            pickup: form.pickup,
            toggle: form.toggle,
            relative: form.relative,
            step: form.step,
            to_spans: form.to.iter().map(|(_, span)| span.clone()).collect(),
            span: form.span.clone(),
        })
    }

    fn written(&mut self, entry: &Entry<'d, 't>) -> Option<Written> {
        match (entry.value, as_number(entry.value)) {
            _ if entry.broken => None,
            (DeValue::String(text), _) => Some(Written::Text(text.to_string())),
            (_, Some(number)) if number.is_finite() => Some(Written::Number(number)),
            _ => {
                self.wrong_type(entry, "a number or text in quotes", "such as 200 or \"200 Hz\"");
                None
            }
        }
    }
}

/// Reads the profile of a device: `[map]` and nothing else. There is one exactly where no mistake is an error. `[control]`
pub fn parse_profile(text: &str) -> (Option<Vec<MapSpec>>, Vec<Diagnostic>) {
    let mut findings = Findings::new();
    if text.len() > LARGEST {
        findings.report(Diagnostic::error(codes::TOO_BIG, 0..0, format!("the file is larger than {LARGEST} bytes")));
        return (None, findings.finish());
    }
    let document = document::read(text, &mut findings);
    let mut reading = Reading::new(&document, findings);
    let mut maps = Vec::new();
    for entry in reading.entries(&document.root) {
        match entry.key {
            "format" => {
                reading.number(&entry, 1.0, 1.0, true);
            }
            "device" => {
                reading.string(&entry, "what the device is called");
            }
            "map" => {
                if let Some(entries) = reading.table(&entry, "such as `\"cc 1\" = \"bass.filter.cutoff\"` below `[map]`") {
                    maps = reading.map_specs(&entries);
                }
            }
            key => {
                let message = format!("there is no `{}` in the profile of a device", short(key));
                let help = "a profile has `device` and `[map]`";
                reading.findings.report(Diagnostic::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message).help(help));
            }
        }
    }
    let diagnostics = reading.findings.finish();
    let right = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    (right.then_some(maps), diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_whatever_it_turns() {
        let (maps, told) = parse_profile(
            "device = \"nano\"\n[map]\n\"cc 1 ch 2\" = \"bass.filter.cutoff\"\n\"cc 2\" = [{ to = \"a.b\", min = \"1 kHz\", max = 20 }, { to = \"/c/d\", relative = true, step = 0.02 }]\n",
        );
        let maps = maps.unwrap_or_else(|| panic!("{told:?}"));
        assert_eq!(maps.len(), 3);
        assert_eq!(maps[0].without_places(), MapSpec::new(MapSource::Cc(1, Some(2)), "bass.filter.cutoff"));
        assert!(maps[0].is_plain() && !maps[1].is_plain());
        assert_eq!((maps[1].min.clone(), maps[1].max.clone()), (Some(Written::Text("1 kHz".into())), Some(Written::Number(20.0))));
        assert_eq!((maps[2].to.as_slice(), maps[2].relative), (&["c.d".to_owned()][..], Some(Relative::Auto)));
        for wrong in [
            "x = 1\n",
            "[map]\n\"cc 200\" = \"a.b\"\n",
            "[map]\n\"cc 1\" = { to = \"a.b\", curve = \"steep\" }\n",
            "[map]\n\"cc 1\" = { to = \"a.b\", min = true }\n",
            "[map]\n\"cc 1\" = { to = \"a.b\", toggle = true, pickup = true }\n",
            "[map]\n\"bend\" = { to = \"a.b\", relative = true }\n",
            "[map]\n\"cc 1\" = { to = \"a.b\", relative = \"backwards\" }\n",
            "[map\n",
        ] {
            let (maps, told) = parse_profile(wrong);
            assert!(maps.is_none() && !told.is_empty(), "{wrong}");
        }
    }

    #[test]
    fn clicks_are_counted_each_in_its_way() {
        use Relative::{Offset, Sign, TwosComplement};
        for (relative, counted) in [
            (TwosComplement, [(1, 1), (63, 63), (127, -1), (65, -63), (0, 0)]),
            (Offset, [(65, 1), (127, 63), (63, -1), (1, -63), (64, 0)]),
            (Sign, [(1, 1), (63, 63), (65, -1), (127, -63), (64, 0)]),
        ] {
            for (value, clicks) in counted {
                assert_eq!(relative.clicks(value), clicks, "{relative:?} {value}");
            }
        }
    }
}
