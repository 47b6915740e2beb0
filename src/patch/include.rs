//! `include = "parts/supersaw.toml"` in place of `type`: a patch within a patch.
//!
//! The included patch is read on its own, and its modules then stand in this one, named `lead/filter`: the plan knows nothing of
//! includes. Its controls become controls named `lead/brightness`; where the table of the include gives one a sum, what is
//! added to its number is added wherever the control is used. Its `[in]` and `[out]` become modules that pass sound through.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::diagnostic::{Diagnostic, OtherFile};
use crate::base::units::Unit;
use crate::module::through::{SIDES, THROUGH, THROUGH_STEREO};
use crate::module::{Catalogue, ModuleDef, Settings};

use super::codes;
use super::document::{Entry, LARGEST};
use super::model::{Amount, Base, Control, ControlId, Domain, IncludedFile, Module, ModuleId, Out, Patch, Source, Sum, Term};
use super::modules::{Part, Table, unwritten};
use super::parse::read_patch;
use super::pitch::Pending;
use super::rack_read::wrong_path;
use super::reading::Reading;
use super::scope::{Head, Meaning, short};
use super::sum::Place;
use super::values;

/// Includes in includes at most.
pub const DEEPEST: usize = 8;

/// Modules of a patch with includes at most, and files read for it.
pub const MOST_MODULES: usize = 1000;

/// Bytes of all files read for one patch at most.
const MOST_BYTES: usize = 4 * LARGEST;

/// Where the files come from that a patch includes.
pub trait Files {
    /// The file whose text is read, as [`FileText::path`]; `None`: the text is in no file.
    fn itself(&self) -> Option<PathBuf>;

    /// Reads a file by a path relative to another: to the one of the name `from`, or to the text itself.
    ///
    /// # Errors
    /// Why not.
    fn read(&self, from: Option<&str>, path: &str) -> Result<FileText, Unread>;
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct FileText {
    /// Where it is: one path for one file, however it was named.
    pub path: PathBuf,
    /// As it is called in what is said, and in `from`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Why a file was not read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Where it would be, so that its coming can be watched for.
    pub path: Option<PathBuf>,
    /// One sentence.
    pub why: String,
    /// The nearest path that would be right.
    pub near: Option<String>,
}

/// What was read so far, through all includes of one patch.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The files that include the present one, and itself, with their names: the outermost first.
    open: Vec<(PathBuf, Option<String>)>,
    /// How deep the present one stands.
    depth: usize,
    /// Every file that was asked for, each once.
    pub asked: Vec<PathBuf>,
    /// Every file that was read, once by each of its names.
    pub texts: Vec<IncludedFile>,
    read: usize,
    bytes: usize,
}

impl Shelf {
    /// Nothing read but the text itself.
    pub fn new(itself: Option<PathBuf>) -> Self {
        Self { open: itself.into_iter().map(|path| (path, None)).collect(), ..Self::default() }
    }
}

/// A patch within this one.
pub(super) struct Included<'d, 't> {
    name: String,
    domain: Domain,
    entries: Vec<Entry<'d, 't>>,
    /// The value of `include`.
    place: Entry<'d, 't>,
    patch: Patch,
    /// What its modules count from in this patch, and the modules of its `[in]`.
    first: usize,
    first_in: usize,
    controls: Vec<Given<'d, 't>>,
}

/// What stands for a control of an included patch.
struct Given<'d, 't> {
    control: ControlId,
    /// What is added to it, wherever it is used.
    terms: Vec<Term>,
    /// The sum that was written.
    place: Option<Entry<'d, 't>>,
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads the patch that a module's table includes, takes the name and makes room for what it holds.
    pub fn include(
        &mut self,
        entry: &Entry<'d, 't>,
        entries: Vec<Entry<'d, 't>>,
        place: &Entry<'d, 't>,
        domain: Domain,
        catalogue: &Catalogue,
        tables: &mut Vec<Table<'d, 't>>,
    ) {
        let Some(patch) = self.included_patch(place, catalogue) else {
            return self.scope.declare(entry.key, entry.key_span.clone(), Meaning::Broken, &mut self.findings);
        };
        let name = entry.key;
        let part = |name: String, kind: &'static ModuleDef, part: Part| Table {
            name,
            domain,
            kind: Some(kind),
            entries: Vec::new(),
            span: entry.span.clone(),
            part,
        };
        let number = self.includes.len();
        let first_in = tables.len();
        for index in 0..patch.inputs.as_ref().map_or(0, |named| named.len() + 1) {
            let (key, of) = in_names(&patch, name, index);
            let kind = if takes_a_side(&patch, index) { &THROUGH_STEREO } else { &THROUGH };
            let given = entries.iter().filter(|entry| entry.key == key).map(|entry| Entry { key: "in", ..entry.clone() });
            tables.push(Table { entries: given.collect(), ..part(of, kind, Part::Own) });
        }
        let first = tables.len();
        for (at, module) in patch.modules.iter().enumerate() {
            if domain == Domain::Voice && !module.kind.per_voice() {
                let message =
                    format!("`{}` in it is a {}, which exists once for the patch, not once a voice", module.name, module.kind.name);
                let help = format!("include it in `[global.{}]`, where voices are summed on the way in", short(name));
                self.findings.report(Diagnostic::error(codes::GLOBAL_ONLY, place.span.clone(), message).help(help));
            }
            tables.push(part(format!("{name}/{}", module.name), module.kind, Part::Inside(number, at)));
        }
        let out = if matches!(patch.out, Out::Whole(_)) { &THROUGH } else { &SIDES };
        let id = ModuleId(tables.len());
        tables.push(part(format!("{name}/out"), out, Part::Out(number)));
        for table in &tables[first_in..] {
            self.scope.modules.push(Head { name: table.name.clone(), domain, kind: table.kind, sound: true });
        }
        self.scope.declare(name, entry.key_span.clone(), Meaning::Module(id), &mut self.findings);
        let name = name.to_owned();
        self.includes.push(Included { name, domain, entries, place: place.clone(), patch, first, first_in, controls: Vec::new() });
    }

    /// The patch of an included file; `None` where there is none that is right, which has then been reported.
    fn included_patch(&mut self, place: &Entry<'d, 't>, catalogue: &Catalogue) -> Option<Patch> {
        let path = self.string(place, "the file of a patch, such as \"parts/supersaw.toml\"")?;
        if let Some(why) = wrong_path(path) {
            let message = format!("the path \"{}\" {why}", short(path));
            let help = "a path is relative to this file, with `/` between folders; what it names lies inside the folders given";
            self.findings.report(Diagnostic::error(codes::BAD_PATH, place.span.clone(), message).help(help));
            return None;
        }
        let Some(files) = self.files else {
            let message = "a file cannot be included here: this text stands in no folder";
            self.findings.report(Diagnostic::error(codes::NO_FILE, place.span.clone(), message).help("load the patch from its file"));
            return None;
        };
        let limit = |message: String| Diagnostic::error(codes::INCLUDE_LIMIT, place.span.clone(), message);
        if self.shelf.depth >= DEEPEST {
            self.findings.report(limit(format!("includes stand more than {DEEPEST} deep")).help("include the inner patch directly"));
            return None;
        }
        let file = match files.read(self.shelf.open.last().and_then(|(_, name)| name.as_deref()), path) {
            Ok(file) => file,
            Err(unread) => {
                self.asked(unread.path);
                let help = "the path is relative to the file that names it";
                let fix = unread.near.map(|near| format!("\"{near}\""));
                self.findings.report(Diagnostic { fix, ..Diagnostic::error(codes::NO_FILE, place.span.clone(), unread.why).help(help) });
                return None;
            }
        };
        self.asked(Some(file.path.clone()));
        if let Some(start) = self.shelf.open.iter().position(|(open, _)| *open == file.path) {
            let names = self.shelf.open[start..].iter().map(|(path, _)| path).chain([&file.path]);
            let names: Vec<_> =
                names.map(|path| path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())).collect();
            let message = format!("the file would include itself: {}", names.join(" → "));
            let help = "take one of these includes away";
            self.findings.report(Diagnostic::error(codes::INCLUDE_CIRCLE, place.span.clone(), message).help(help));
            return None;
        }
        self.shelf.read += 1;
        self.shelf.bytes += file.text.len();
        if self.shelf.read > MOST_MODULES || self.shelf.bytes > MOST_BYTES {
            let message = format!("more than {MOST_MODULES} files, or {} MiB, would have to be read", MOST_BYTES >> 20);
            self.findings.report(limit(message).help("include less"));
            return None;
        }
        let mut shelf = std::mem::take(&mut self.shelf);
        if !shelf.texts.iter().any(|known| known.path == file.path && known.name == file.name) {
            shelf.texts.push(IncludedFile { path: file.path.clone(), name: file.name.clone(), text: file.text.as_str().into() });
        }
        shelf.depth += 1;
        shelf.open.push((file.path, Some(file.name.clone())));
        let (patch, diagnostics, mut shelf) = read_patch(&file.text, catalogue, Some(files), shelf);
        shelf.open.pop();
        shelf.depth -= 1;
        self.shelf = shelf;
        if patch.is_none() {
            let message = format!("`{}` has mistakes", file.name);
            self.findings.report(Diagnostic::error(codes::INCLUDE_WRONG, place.span.clone(), message).mark("included here"));
        }
        let other = Arc::new(OtherFile { name: file.name, text: file.text });
        for diagnostic in diagnostics {
            let file = diagnostic.file.clone().unwrap_or_else(|| other.clone());
            self.findings.report_once(Diagnostic { file: Some(file), ..diagnostic });
        }
        let patch = patch?;
        if patch.modules.len() > MOST_MODULES {
            self.findings.report(limit(format!("the patch would have more than {MOST_MODULES} modules")).help("include less"));
            return None;
        }
        Some(patch)
    }

    fn asked(&mut self, path: Option<PathBuf>) {
        if let Some(path) = path.filter(|path| !self.shelf.asked.contains(path)) {
            self.shelf.asked.push(path);
        }
    }

    /// Reads what the tables of includes give to controls. `first` is the number of the first control made here. What still
    /// needs a pitch is added to `pending`.
    pub fn include_controls(&mut self, first: usize, pending: &mut Vec<Pending>) -> Vec<Control> {
        let mut made = Vec::new();
        for number in 0..self.includes.len() {
            let name = self.includes[number].name.clone();
            let controls = self.includes[number].patch.controls.clone();
            self.unknown_of_include(number);
            let errors = self.findings.errors();
            for control in controls {
                let entry = self.includes[number].entries.iter().find(|entry| entry.key == control.name).cloned();
                let given = self.given(number, control, entry, first, &mut made, pending);
                self.includes[number].controls.push(given);
            }
            if self.findings.errors() > errors
                && let Some(Meaning::Module(out)) = self.scope.meaning(&name)
            {
                self.scope.modules[out.0].sound = false;
            }
        }
        made
    }

    fn unknown_of_include(&mut self, number: usize) {
        let include = &self.includes[number];
        let named = include.patch.inputs.iter().flatten().enumerate().map(|(at, _)| in_names(&include.patch, &include.name, at + 1).0);
        let main = include.patch.inputs.as_ref().map(|_| "in".to_owned());
        let controls = include.patch.controls.iter().map(|control| control.name.clone()).filter(|name| !name.contains('/'));
        let known: Vec<String> = controls.chain(main).chain(named).collect();
        let unknown = |entry: &&Entry<'d, 't>| entry.key != "include" && !known.iter().any(|name| name == entry.key);
        for entry in include.entries.iter().filter(unknown).cloned().collect::<Vec<_>>() {
            if entry.key == "type" {
                let message = "a module has a `type` or an `include`, not both";
                self.findings.report(Diagnostic::error(codes::TYPE_AND_INCLUDE, entry.key_span.clone(), message).help("keep one of them"));
                continue;
            }
            let message = format!("the included `{}` has no control `{}`", short(&self.includes[number].name), short(entry.key));
            let help = match known.len() {
                0 => "it has none, and no `[in]`".to_owned(),
                _ => format!("it has {}", known.join(" ")),
            };
            let fix = self.findings.nearest(entry.key, known.iter().map(String::as_str)).map(str::to_owned);
            self.findings.report(Diagnostic { fix, ..Diagnostic::error(codes::UNKNOWN_INPUT, entry.key_span.clone(), message).help(help) });
        }
    }

    /// What stands for a control of an included patch: one of this patch where only that is written, else one of its own.
    fn given(
        &mut self,
        number: usize,
        control: Control,
        entry: Option<Entry<'d, 't>>,
        first: usize,
        made: &mut Vec<Control>,
        pending: &mut Vec<Pending>,
    ) -> Given<'d, 't> {
        let include = &self.includes[number];
        let name = format!("{}/{}", include.name, control.name);
        let place = Place {
            name: name.replace('/', "."),
            unit: control.unit,
            range: Some((values::natural(control.unit, control.min) as f32, values::natural(control.unit, control.max) as f32)),
            domain: include.domain,
            knobs_only: false,
        };
        let span = include.place.span.clone();
        let unit = control.unit;
        let mut own = Control { name: name.clone(), span: span.clone(), ..control };
        let lowered = entry.as_ref().and_then(|entry| self.sum(entry, &place));
        let mut make = |control: Control| {
            made.push(control);
            ControlId(first + made.len() - 1)
        };
        let Some(lowered) = lowered else { return Given { control: make(own), terms: Vec::new(), place: entry } };
        if lowered.needs_pitch
            && let Some(entry) = &entry
        {
            let default = values::spell_amount(unit, own.default);
            pending.push(Pending::Given { name: place.name, sum: lowered.sum.clone(), default, span: entry.span.clone() });
        }
        let control = match lowered.sum.base {
            Base::Number(amount) => {
                own.default = amount;
                make(own)
            }
            Base::Control(control) => {
                self.aliases.push((name.clone(), control));
                control
            }
        };
        let terms = lowered.sum.terms.into_iter().map(|term| {
            if term.key.is_empty() {
                return term;
            }
            // Its depth is a knob, and must be one wherever the control is used: so it becomes a control.
            let reach = if term.depth.abs() > 1.0 { term.depth.abs() } else { 1.0 };
            let depth = make(Control {
                name: format!("{name}/{}", term.key),
                unit: Unit::Number,
                default: Amount::plain(term.depth),
                min: -reach,
                max: reach,
                curve: crate::module::Curve::Linear,
                text: format!("How much {} counts.", term.key),
                depth_at: Some(unit),
                span: span.clone(),
            });
            let sources = std::iter::once(Source::Control(depth)).chain(term.sources).collect();
            Term { depth: 1.0, key: String::new(), sources }
        });
        Given { control, terms: terms.collect(), place: entry }
    }

    /// A module of an included patch, or that of its `[out]`, as it stands in this one.
    pub fn included_module(&mut self, table: &Table<'d, 't>) -> Option<Module> {
        let (number, inside) = match table.part {
            Part::Own => return None,
            Part::Inside(number, at) => (number, Some(at)),
            Part::Out(number) => (number, None),
        };
        let include = self.includes.get(number)?;
        let kind = table.kind?;
        let mut swap = Swap { include, wrong: Vec::new(), notes: None };
        let (inputs, settings) = match inside {
            None => {
                let inputs = match &include.patch.out {
                    Out::Whole(sum) => vec![swap.sum(sum, Unit::Audio)],
                    Out::Sides(left, right) => vec![swap.sum(left, Unit::Audio), swap.sum(right, Unit::Audio)],
                };
                (inputs, Settings::defaults(kind.settings))
            }
            Some(at) => {
                let module = &include.patch.modules[at];
                let inputs = kind.inputs.iter().zip(&module.inputs).map(|(input, sum)| {
                    // What is normalled in a voice is not in the global part.
                    let normalled = sum.text.is_empty() && !sum.terms.is_empty() && table.domain == Domain::Global;
                    if normalled { unwritten(input, Domain::Global) } else { swap.sum(sum, input.unit) }
                });
                (inputs.collect(), module.settings.clone())
            }
        };
        let Swap { wrong, notes, .. } = swap;
        if let Some(note) = notes {
            let message = format!("`{}` in it plays notes: it uses `note.{note}`", table.name.replace('/', "."));
            let help = format!("include it in `[voice.{}]`", include.name);
            self.findings.report(Diagnostic::error(codes::INCLUDE_NOTES, include.place.span.clone(), message).help(help));
        }
        for diagnostic in wrong {
            self.findings.report_once(diagnostic);
        }
        Some(Module { name: table.name.clone(), domain: table.domain, kind, inputs, settings, span: table.span.clone() })
    }

    /// Further names of controls: those of the included patches, and those given to them here.
    pub fn include_aliases(&mut self) -> Vec<(String, ControlId)> {
        let mut aliases = std::mem::take(&mut self.aliases);
        for include in &self.includes {
            let inner = include.patch.aliases.iter();
            aliases.extend(inner.map(|(path, control)| (format!("{}/{path}", include.name), include.controls[control.0].control)));
        }
        aliases
    }
}

/// The key of an included patch's input in the table that includes it, and the name of the module it becomes.
fn in_names(patch: &Patch, include: &str, index: usize) -> (String, String) {
    let named = index.checked_sub(1).and_then(|at| patch.inputs.as_ref()?.get(at));
    match named {
        None => ("in".to_owned(), include.to_owned()),
        Some(input) => (format!("in.{}", input.name), format!("{include}/in/{}", input.name)),
    }
}

/// Whether a patch takes one side of its input alone.
fn takes_a_side(patch: &Patch, input: usize) -> bool {
    fn in_sum(sum: &Sum, input: usize) -> bool {
        sum.terms.iter().flat_map(|term| &term.sources).any(|source| match source {
            Source::Input { index, side } => *index == input && side.is_some(),
            Source::Group(sum) => in_sum(sum, input),
            _ => false,
        })
    }
    let outs = match &patch.out {
        Out::Whole(sum) => vec![sum],
        Out::Sides(left, right) => vec![left, right],
    };
    patch.modules.iter().flat_map(|module| &module.inputs).chain(outs).any(|sum| in_sum(sum, input))
}

/// Sums of an included patch become sums of the patch that includes it.
struct Swap<'a, 'd, 't> {
    include: &'a Included<'d, 't>,
    wrong: Vec<Diagnostic>,
    /// The first source that only notes have, where there are none.
    notes: Option<&'static str>,
}

impl Swap<'_, '_, '_> {
    fn sum(&mut self, sum: &Sum, unit: Unit) -> Sum {
        let mut terms: Vec<Term> = sum.terms.iter().filter_map(|term| self.term(term, unit)).collect();
        let base = match sum.base {
            Base::Number(amount) => Base::Number(amount),
            Base::Control(control) => {
                self.factor_of_decibels(control, unit);
                let given = &self.include.controls[control.0];
                terms.extend(given.terms.iter().cloned());
                Base::Control(given.control)
            }
        };
        // Its place is in another file.
        Sum { base, terms, text: sum.text.clone(), span: 0..0 }
    }

    fn term(&mut self, term: &Term, unit: Unit) -> Option<Term> {
        let sources = term.sources.iter().map(|source| self.source(source, unit)).collect::<Option<Vec<_>>>()?;
        Some(Term { sources, ..term.clone() })
    }

    fn source(&mut self, source: &Source, unit: Unit) -> Option<Source> {
        let include = self.include;
        Some(match source {
            Source::Output { module, output, side } => {
                Source::Output { module: ModuleId(include.first + module.0), output: *output, side: *side }
            }
            Source::Input { index, side } => Source::Output { module: ModuleId(include.first_in + index), output: 0, side: *side },
            Source::Control(control) => {
                let given = &include.controls[control.0];
                let alone = Source::Control(given.control);
                if given.terms.is_empty() {
                    return Some(alone);
                }
                self.factor_of_decibels(*control, unit);
                let first = Term { depth: 1.0, key: String::new(), sources: vec![alone] };
                let terms = std::iter::once(first).chain(given.terms.iter().cloned()).collect();
                Source::Group(Box::new(Sum { terms, ..Sum::default() }))
            }
            Source::Group(sum) => Source::Group(Box::new(self.sum(sum, unit))),
            Source::Note(note) if include.domain == Domain::Global => {
                self.notes.get_or_insert(note.name());
                return None;
            }
            Source::Note(_) | Source::Keys(_) | Source::Pulses(_) => source.clone(),
        })
    }

    /// A level in dB that is used as a factor is one knob, to which nothing can be added.
    fn factor_of_decibels(&mut self, control: ControlId, unit: Unit) {
        let given = &self.include.controls[control.0];
        let Some(place) = given.place.as_ref().filter(|_| !given.terms.is_empty()) else { return };
        if self.include.patch.controls[control.0].unit == Unit::Decibels && unit != Unit::Decibels {
            let message = format!("`{}` is a level in dB, which no signal can drive", short(place.key));
            let help = "give it a number or a control; multiply what the include gives out by the signal";
            self.wrong.push(Diagnostic::error(codes::KNOBS_ONLY, place.span.clone(), message).help(help));
        }
    }
}
