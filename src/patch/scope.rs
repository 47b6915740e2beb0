//! The names of a patch, and what they mean in an expression.

use std::collections::HashMap;
use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::names;
use crate::base::units::Unit;
use crate::module::{ModuleDef, NoteSource};

use super::codes;
use super::expression::Name;
use super::findings::Findings;
use super::model::{ControlId, Domain, KeySource, ModuleId, NamedInput, Side, Source};

/// What a name of the patch stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Control(ControlId),
    Module(ModuleId),
    /// Something that is there but could not be read: nothing is to be said of its uses.
    Broken,
}

/// What is known of a module before its inputs are read.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub name: String,
    pub domain: Domain,
    /// `None`: of an unknown type.
    pub kind: Option<&'static ModuleDef>,
    /// Nothing wrong was found in it.
    pub sound: bool,
}

/// What is known of a control before it is used.
#[derive(Clone, Debug)]
pub(super) struct Knob {
    pub name: String,
    /// `None`: a musical time that nothing has used yet, so that it is neither a length nor a rate.
    pub unit: Option<Unit>,
    pub musical: bool,
}

/// All names of a patch.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: HashMap<String, (Meaning, Range<usize>)>,
    pub modules: Vec<Head>,
    pub controls: Vec<Knob>,
    pub inputs: Option<Vec<NamedInput>>,
    pub has_note: bool,
    /// That there are voices without `[note]` has been told.
    pub told_no_note: bool,
}

/// Something a name in an expression was found to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub source: Source,
    /// As it stands in the address of a depth.
    pub key: String,
    /// Comes from a voice.
    pub voice: bool,
}

impl Scope {
    /// Takes a name; reports what is wrong with it.
    pub fn declare(&mut self, name: &str, span: Range<usize>, meaning: Meaning, findings: &mut Findings) {
        if !names::is_name(name) {
            let mut diagnostic = Diagnostic::error(codes::BAD_NAME, span.clone(), format!("`{}` is no name", short(name)))
                .help("names are small letters, digits and `_`, beginning with a letter");
            let small: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            diagnostic.fix = names::is_name(&small).then_some(small);
            findings.report(diagnostic);
        } else if names::RESERVED.contains(&name) {
            let message = format!("`{name}` has a meaning of its own");
            findings.report(
                Diagnostic::error(codes::RESERVED_NAME, span.clone(), message)
                    .help(format!("nothing may be called {}", names::RESERVED.join(" ")))
                    .fix(format!("{name}_1")),
            );
        }
        if let Some((_, first)) = self.names.get(name) {
            findings.report(
                Diagnostic::error(codes::NAME_TAKEN, span, format!("`{}` is taken", short(name)))
                    .label(first.clone(), "first used here")
                    .help("modules, voice and global, and controls share their names"),
            );
            return;
        }
        self.names.insert(name.to_owned(), (meaning, span));
    }

    /// A name that is there in the text but not in what could be read of it.
    pub fn declare_broken(&mut self, name: &str) {
        self.names.entry(name.to_owned()).or_insert((Meaning::Broken, 0..0));
    }

    /// What a name stands for.
    pub fn meaning(&self, name: &str) -> Option<Meaning> {
        self.names.get(name).map(|(meaning, _)| *meaning)
    }

    /// The name most like this one.
    pub fn nearest(&self, name: &str, findings: &mut Findings) -> Option<String> {
        if !findings.searches() {
            return None;
        }
        let mut found: Vec<&str> = Vec::new();
        // The order of a hash map is chance; among equals the alphabet decides.
        for candidate in self.names.keys() {
            if candidate.len().abs_diff(name.len()) <= 1 + name.len() / 3 || candidate.starts_with(name) {
                found.push(candidate);
            }
        }
        found.sort_unstable();
        findings.nearest(name, found.into_iter().chain(["note", "keys", "in"])).map(str::to_owned)
    }

    /// What a name in an expression means; `None` where it means nothing, which has then been reported.
    pub fn resolve(&mut self, name: &Name<'_>, findings: &mut Findings) -> Option<Found> {
        let (first, span) = &name.words[0];
        let key = name.words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(".");
        match *first {
            "note" => self.note(name, key, findings),
            "keys" => keys(name, key, findings),
            "in" => self.input(name, key, findings),
            _ => match self.meaning(first) {
                Some(Meaning::Control(id)) => match name.words.get(1) {
                    None => Some(Found { source: Source::Control(id), key, voice: false }),
                    Some((_, part)) => {
                        let message = format!("`{first}` is a control: one number without parts");
                        findings.report(Diagnostic::error(codes::NO_PARTS, part.clone(), message).help(format!("write `{first}`")));
                        None
                    }
                },
                Some(Meaning::Module(id)) => self.output(id, name, key, findings),
                Some(Meaning::Broken) => None,
                None => {
                    let fix = self.nearest(first, findings);
                    let message = format!("there is no module or control `{}`", short(first));
                    let mut diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, span.clone(), message);
                    if fix.is_none() {
                        diagnostic.help = Some(format!("add `[voice.{0}]` or `[global.{0}]`, or `{0} = …` in `[controls]`", short(first)));
                    }
                    diagnostic.fix = fix;
                    findings.report(diagnostic);
                    None
                }
            },
        }
    }

    fn note(&mut self, name: &Name<'_>, key: String, findings: &mut Findings) -> Option<Found> {
        let (word, span) = one_part(name, "note.pitch", codes::UNKNOWN_NOTE_SOURCE, findings)?;
        let Some(source) = NoteSource::ALL.into_iter().find(|source| source.name() == word) else {
            let mut diagnostic = Diagnostic::error(codes::UNKNOWN_NOTE_SOURCE, span, format!("a note has no `{}`", short(word)));
            diagnostic.help = Some(format!("it has {}", NoteSource::ALL.map(NoteSource::name).join(" ")));
            diagnostic.fix = findings.nearest(word, NoteSource::ALL.map(NoteSource::name)).map(str::to_owned);
            findings.report(diagnostic);
            return None;
        };
        if !self.has_note && !std::mem::replace(&mut self.told_no_note, true) {
            findings.report(
                Diagnostic::error(codes::VOICE_WITHOUT_NOTE, name.span.clone(), "there are no notes without `[note]`")
                    .help("add `[note]` to play notes; `keys.gate`, `keys.pitch` and `keys.velocity` are the keyboard as a whole"),
            );
        }
        Some(Found { source: Source::Note(source), key, voice: true })
    }

    fn input(&self, name: &Name<'_>, key: String, findings: &mut Findings) -> Option<Found> {
        let Some(inputs) = &self.inputs else {
            findings.report(
                Diagnostic::error(codes::NO_INPUT, name.span.clone(), "the patch takes no sound").help("add `[in]` to make it an effect"),
            );
            return None;
        };
        let found = |index, side| Some(Found { source: Source::Input { index, side }, key, voice: false });
        let Some((word, span)) = name.words.get(1) else { return found(0, None) };
        let (index, mono, rest) = match (side(word), inputs.iter().position(|input| input.name == *word)) {
            (Some(_), _) => (0, false, &name.words[1..]),
            (None, Some(at)) => (at + 1, inputs[at].mono, &name.words[2..]),
            (None, None) => {
                let mut diagnostic =
                    Diagnostic::error(codes::UNKNOWN_NAME, span.clone(), format!("there is no input `in.{}`", short(word)));
                diagnostic.help = Some(format!("`in`, `in.left`, `in.right`, or one named in `[in]`: `{} = \"mono\"`", short(word)));
                let names = inputs.iter().map(|input| input.name.as_str()).chain(["left", "right"]);
                diagnostic.fix = findings.nearest(word, names).map(str::to_owned);
                findings.report(diagnostic);
                return None;
            }
        };
        match rest {
            [] => found(index, None),
            [(word, span), after @ ..] => found(index, Some(whole_side(word, span, after, mono, name, findings)?)),
        }
    }

    fn output(&self, id: ModuleId, name: &Name<'_>, key: String, findings: &mut Findings) -> Option<Found> {
        let head = &self.modules[id.0];
        let kind = head.kind?;
        if kind.outputs.is_empty() {
            let message = format!("`{}` ({}) gives nothing out", head.name, kind.name);
            findings.report(Diagnostic::error(codes::NO_OUTPUT, name.span.clone(), message));
            return None;
        }
        let found = |output, side| {
            let voice = head.domain == Domain::Voice;
            Some(Found { source: Source::Output { module: id, output, side }, key, voice })
        };
        let Some((word, span)) = name.words.get(1) else { return found(0, None) };
        let (output, rest) = match kind.outputs.iter().position(|output| output.name == *word) {
            Some(at) => (at, &name.words[2..]),
            None if side(word).is_some() => (0, &name.words[1..]),
            None if head.name.contains('/') => {
                let message = format!("`{0}` is an include: it gives out what its `[out]` does, as `{0}`", name.words[0].0);
                findings
                    .report(Diagnostic::error(codes::UNKNOWN_OUTPUT, span.clone(), message).help("or one side of it, `.left` or `.right`"));
                return None;
            }
            None => {
                let names: Vec<_> = kind.outputs.iter().map(|output| output.name).collect();
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_OUTPUT,
                    span.clone(),
                    format!("{} `{}` has no output `{}`", kind.name, head.name, short(word)),
                );
                let is_input = kind.inputs.iter().any(|input| input.name == *word);
                let outputs = format!("its outputs are {}", names.join(" "));
                diagnostic.help = Some(if is_input { format!("`{word}` is an input; {outputs}") } else { outputs });
                diagnostic.fix = findings.nearest(word, names).map(str::to_owned);
                findings.report(diagnostic);
                return None;
            }
        };
        match rest {
            [] => found(output, None),
            [(word, span), after @ ..] => {
                let stereo = kind.outputs[output].stereo;
                if !stereo && !kind.stereo() && side(word).is_some() {
                    // It has sides where it is fed stereo, which is known once all cables are.
                    findings.sides.push((id, output, no_side(name, word, span)));
                }
                found(output, Some(whole_side(word, span, after, !stereo && kind.stereo(), name, findings)?))
            }
        }
    }
}

fn keys(name: &Name<'_>, key: String, findings: &mut Findings) -> Option<Found> {
    let found = |source, key| Some(Found { source: Source::Keys(source), key, voice: false });
    let wrong = |span: &Range<usize>, word: &str, findings: &mut Findings| {
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_KEY_SOURCE, span.clone(), format!("the keyboard has no `{}`", short(word)))
            .help("`keys.gate`, `keys.pitch`, `keys.velocity`; one key: `keys.36`, `keys.C2`, `keys.36.velocity` (0 to 127)");
        diagnostic.fix = findings.nearest(word, ["gate", "pitch", "velocity"]).map(str::to_owned);
        findings.report(diagnostic);
        None
    };
    let Some((word, span)) = name.words.get(1) else {
        return wrong(&name.span, "keys", findings);
    };
    let of_all = match *word {
        "gate" => Some(KeySource::Gate),
        "pitch" => Some(KeySource::Pitch),
        "velocity" => Some(KeySource::Velocity),
        _ => None,
    };
    if let Some(source) = of_all {
        return match name.words.get(2) {
            None => found(source, key),
            Some((more, span)) => wrong(span, more, findings),
        };
    }
    let number = names::note_number(word).or_else(|| word.parse().ok().filter(|_| word.bytes().all(|b| b.is_ascii_digit())));
    let Some(number) = number.and_then(|number: i32| u8::try_from(number).ok()).filter(|number| *number < 128) else {
        return wrong(span, word, findings);
    };
    // `#` has no place in an address and `-` joins sources there: such keys go by number.
    let plain = !word.contains(['#', '-']);
    match name.words.get(2) {
        None => found(KeySource::Key(number), if plain { key } else { format!("keys.{number}") }),
        Some(("velocity", _)) if name.words.len() == 3 => {
            found(KeySource::KeyVelocity(number), if plain { key } else { format!("keys.{number}.velocity") })
        }
        Some((more, span)) => wrong(span, more, findings),
    }
}

fn side(word: &str) -> Option<Side> {
    match word {
        "left" => Some(Side::Left),
        "right" => Some(Side::Right),
        _ => None,
    }
}

fn no_side(name: &Name<'_>, word: &str, span: &Range<usize>) -> Diagnostic {
    let before = name.words.iter().map(|(word, _)| *word).take_while(|before| *before != word).collect::<Vec<_>>().join(".");
    Diagnostic::error(codes::NO_SIDE, span.clone(), format!("`{before}` is mono and has no sides")).help(format!("write `{before}`"))
}

/// The last word of a name, which must be a side of something stereo.
fn whole_side(
    word: &str,
    span: &Range<usize>,
    after: &[(&str, Range<usize>)],
    mono: bool,
    name: &Name<'_>,
    findings: &mut Findings,
) -> Option<Side> {
    if let (Some(side), [], false) = (side(word), after, mono) {
        return Some(side);
    }
    let diagnostic = if side(word).is_some() && mono {
        no_side(name, word, span)
    } else {
        Diagnostic::error(codes::UNKNOWN_OUTPUT, span.clone(), format!("nothing is called `{}` here", short(word)))
            .help("after an output only `.left` or `.right` can stand")
    };
    findings.report(diagnostic);
    None
}

fn one_part<'t>(name: &Name<'t>, example: &str, code: &'static str, findings: &mut Findings) -> Option<(&'t str, Range<usize>)> {
    match &name.words[1..] {
        [(word, span)] => Some((word, span.clone())),
        parts => {
            let span = parts.get(1).map_or(name.span.clone(), |(_, span)| span.clone());
            findings.report(Diagnostic::error(code, span, "one word must stand after `note.`").help(format!("such as `{example}`")));
            None
        }
    }
}

pub(super) fn short(text: &str) -> String {
    super::quantity::brief(text)
}
