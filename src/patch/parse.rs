//! Text → [`Patch`]: the whole way, every mistake collected.

use std::path::PathBuf;

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::module::Catalogue;

use super::addresses::addresses;
use super::codes;
use super::document::{self, Document, Entry, LARGEST};
use super::findings::Findings;
use super::include::{Files, MOST_MODULES, Shelf};
use super::maps::Targets;
use super::model::{ControlId, Map, ModuleId, NamedInput, Patch, Target};
use super::pitch;
use super::quantity::Quantity;
use super::reading::Reading;
use super::scope::short;
use super::stereo::Sides;

/// Keys at the top of a patch.
pub const TOP: [&str; 13] =
    ["format", "name", "description", "tempo", "tuning", "note", "controls", "voice", "global", "in", "out", "map", "presets"];

/// Beats a minute that can be written.
pub const TEMPO: (f64, f64) = (1.0, 999.0);

/// Reads a patch. There is one exactly where no mistake is an error. `[control]`
///
/// Spans are bytes of `text`. Takes time in proportion to the text, which may hold anything; more than 1 MiB is refused.
/// Nothing is included: that needs [`parse_with`].
pub fn parse(text: &str, catalogue: &Catalogue) -> (Option<Patch>, Vec<Diagnostic>) {
    let (patch, diagnostics, _) = read_patch(text, catalogue, None, Shelf::default());
    (patch, diagnostics)
}

/// A patch that was read with the files it includes.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The patch, exactly where no mistake is an error.
    pub patch: Option<Patch>,
    /// All that is to be said, of included files too.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that it includes, also by way of others, each once; and those that it would include if they were there.
    pub files: Vec<PathBuf>,
}

/// The same with the files that it includes. `[control]`
pub fn parse_with(text: &str, catalogue: &Catalogue, files: &dyn Files) -> Parsed {
    let (patch, diagnostics, shelf) = read_patch(text, catalogue, Some(files), Shelf::new(files.itself()));
    let Shelf { asked, texts, .. } = shelf;
    Parsed { patch: patch.map(|patch| Patch { includes: texts, ..patch }), diagnostics, files: asked }
}

/// The same for the bytes of a file, which may not be text. `[control]`
pub fn parse_bytes_with(bytes: &[u8], catalogue: &Catalogue, files: &dyn Files) -> Parsed {
    let mut asked = Vec::new();
    let (patch, diagnostics) = of_bytes(bytes, |text| {
        let parsed = parse_with(text, catalogue, files);
        asked = parsed.files;
        (parsed.patch, parsed.diagnostics)
    });
    Parsed { patch, diagnostics, files: asked }
}

/// Reads a patch, be it included or not.
pub(super) fn read_patch(
    text: &str,
    catalogue: &Catalogue,
    files: Option<&dyn Files>,
    shelf: Shelf,
) -> (Option<Patch>, Vec<Diagnostic>, Shelf) {
    if let Some(diagnostic) = too_big(text) {
        return (None, vec![diagnostic], shelf);
    }
    let mut findings = Findings::new();
    let document = document::read(text, &mut findings);
    let mut reading = Reading { files, shelf, ..Reading::new(&document, findings) };
    let patch = reading.patch(catalogue);
    let shelf = reading.shelf;
    let diagnostics = reading.findings.finish();
    let right = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    (patch.filter(|_| right), diagnostics, shelf)
}

/// The same for the bytes of a file, which may not be text. Where they are not, spans are bytes of what
/// `String::from_utf8_lossy` makes of them. `[control]`
pub fn parse_bytes(bytes: &[u8], catalogue: &Catalogue) -> (Option<Patch>, Vec<Diagnostic>) {
    of_bytes(bytes, |text| parse(text, catalogue))
}

/// Reads what should be text.
pub(super) fn of_bytes<T>(bytes: &[u8], read: impl FnOnce(&str) -> (Option<T>, Vec<Diagnostic>)) -> (Option<T>, Vec<Diagnostic>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text),
        Err(_) if bytes.len() > LARGEST => read(&String::from_utf8_lossy(bytes)),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("the file is not text: byte {at} is not UTF-8");
            let help = "save it as UTF-8; a sound or a program is no patch";
            (None, vec![Diagnostic::error(codes::NOT_TEXT, at..at, message).help(help)])
        }
    }
}

/// Says so where a text is longer than what is read.
pub(super) fn too_big(text: &str) -> Option<Diagnostic> {
    let message = format!("the file is larger than {LARGEST} bytes, the most that a patch has");
    let help = "a patch is a short text: is this the right file?";
    (text.len() > LARGEST).then(|| Diagnostic::error(codes::TOO_BIG, 0..0, message).help(help))
}

impl<'d, 't> Reading<'d, 't> {
    fn patch(&mut self, catalogue: &Catalogue) -> Option<Patch> {
        let document: &'d Document<'t> = self.document;
        let top = self.entries(&document.root);
        if top.is_empty() && document.is_whole() {
            let help = "`rackd play` without a file plays the built-in patch; the smallest patch of one's own is a module and `[out]`";
            self.findings.report(Diagnostic::error(codes::EMPTY_FILE, 0..0, "the file holds no patch").help(help));
            return None;
        }
        let find = |key: &str| top.iter().find(|entry| entry.key == key);
        if !document.is_whole() {
            // Tables may have been lost; what they were called is still no mistake.
            for name in document.header_names() {
                if !self.scope_has_table(find("voice"), find("global"), name) {
                    self.scope.declare_broken(name);
                }
            }
        }
        let mut patch = Patch::default();
        for entry in &top {
            self.top(entry, &mut patch);
        }
        self.scope.has_note = find("note").is_some() || (!document.is_whole() && document.text.contains("[note]"));
        let section = |reading: &mut Self, key: &str, help: &str| {
            find(key).and_then(|entry| reading.table(entry, help).map(|entries| (entry, entries)))
        };
        if let Some((_, entries)) = section(self, "in", "write `[in]`; a key names one more input: `side = \"mono\"`") {
            let inputs = self.inputs(&entries);
            self.scope.inputs = Some(inputs);
        } else if find("in").is_some() {
            self.scope.inputs = Some(Vec::<NamedInput>::new());
        }
        let controls = section(self, "controls", "such as `brightness = \"300 Hz\"` below `[controls]`");
        let drafts = controls.map(|(_, entries)| self.control_drafts(&entries)).unwrap_or_default();
        let tables = self.module_tables(find("voice"), find("global"), catalogue);
        let mut pending = Vec::new();
        let of_includes = self.include_controls(drafts.len(), &mut pending);
        if let Some((_, entries)) = section(self, "note", "write `[note]`, and below it `mode = \"mono\"`") {
            patch.note = Some(self.note(&entries, &mut pending));
        }
        let modules: Vec<_> = tables.iter().enumerate().map(|(at, table)| self.module(ModuleId(at), table, &mut pending)).collect();
        match section(self, "out", "write `[out]`, and below it `in = \"…\"`") {
            Some((entry, entries)) => patch.out = self.out(entry, &entries),
            None if find("out").is_none() && (document.is_whole() || !document.text.contains("[out")) => {
                let end = document.text.trim_end().len();
                let message = "nothing leads out of the patch";
                let help = "add `[out]` with `in = \"…\"`";
                self.findings.report(Diagnostic::error(codes::NO_OUT, end..end, message).help(help));
            }
            None => {}
        }
        let own = drafts.iter().enumerate().map(|(at, draft)| self.control(ControlId(at), draft));
        let controls: Vec<_> = own.collect::<Vec<_>>().into_iter().chain(of_includes).collect();
        if !self.includes.is_empty() && modules.len() > MOST_MODULES {
            let message = format!("with what it includes the patch has more than {MOST_MODULES} modules");
            self.findings.report(Diagnostic::error(codes::INCLUDE_LIMIT, 0..0, message).help("include less"));
        }
        pitch::check(&modules, &controls, patch.note.as_ref(), &pending, &mut self.findings);
        patch.inputs = self.scope.inputs.clone();
        patch.modules = modules.into_iter().flatten().collect();
        patch.controls = controls;
        patch.aliases = self.include_aliases();
        if patch.modules.len() == self.scope.modules.len() {
            self.plays_before_voices(&patch);
            let sides = Sides::of(&patch);
            for (module, output, diagnostic) in std::mem::take(&mut self.findings.sides) {
                if !sides.output_is_stereo(&patch, module, output) {
                    self.findings.report(diagnostic);
                }
            }
        }
        let mut maps: Vec<Map> = Vec::new();
        for (at, draft) in drafts.iter().enumerate() {
            maps.extend(draft.maps.iter().filter_map(|entry| self.short_map(entry, Target::Control(ControlId(at)))));
        }
        if let Some((_, entries)) = section(self, "map", "such as `\"cc 1\" = \"lfo.rate\"` below `[map]`") {
            let addresses = addresses(&patch);
            maps.extend(self.maps(&entries, &Targets::new(&addresses)));
        }
        patch.maps = maps;
        if let Some((_, entries)) = section(self, "presets", "such as `dark = { brightness = \"150 Hz\" }` below `[presets]`") {
            patch.presets = self.presets(&entries, &patch);
        }
        Some(patch)
    }

    fn scope_has_table(&self, voice: Option<&Entry<'d, 't>>, global: Option<&Entry<'d, 't>>, name: &str) -> bool {
        [voice, global].into_iter().flatten().any(|entry| entry.value.as_table().is_some_and(|table| table.contains_key(name)))
    }

    /// One key at the top of the file, where it is not a section of its own.
    fn top(&mut self, entry: &Entry<'d, 't>, patch: &mut Patch) {
        match entry.key {
            "format" => self.format(entry),
            "name" => patch.name = self.string(entry, "what the patch is called").unwrap_or("").to_owned(),
            "description" => patch.description = self.string(entry, "what the patch is").unwrap_or("").to_owned(),
            "tempo" => patch.tempo = self.tempo(entry),
            "tuning" => patch.tuning = self.tuning(entry),
            "test" => {
                let message = format!("`{}` is not read by this version", entry.key);
                let help = "the patch plays without it";
                self.findings.report(Diagnostic::warning(codes::NOT_SUPPORTED, entry.key_span.clone(), message).help(help));
            }
            "slots" => {
                let message = "this is a rack, and one patch is wanted here";
                let help = "name the patch of one of its slots";
                self.findings.report(Diagnostic::error(codes::RACK_HERE, entry.key_span.clone(), message).help(help));
            }
            "include" => {
                let message = "`include` stands in a module's table, in place of `type`";
                let help = "write `[voice.lead]`, and below it `include = \"…\"`";
                self.findings.report(Diagnostic::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message).help(help));
            }
            key if TOP.contains(&key) => {}
            key => {
                let is_module = entry.value.as_table().is_some_and(|table| table.contains_key("type"));
                self.scope.declare_broken(key);
                if is_module {
                    let message = format!("module `{}` stands neither in a voice nor in the global part", short(key));
                    let mut diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message);
                    diagnostic.help = Some(format!("write `[voice.{0}]` for one a note, `[global.{0}]` for one for the patch", short(key)));
                    self.findings.report(diagnostic);
                } else {
                    self.unknown_key(entry, "a patch", TOP);
                }
            }
        }
    }

    /// `format`, which is 1.
    pub fn format(&mut self, entry: &Entry<'d, 't>) {
        if self.number(entry, 1.0, 1e9, true).is_some_and(|format| format > 1.0) {
            let message = "this version reads format 1";
            let help = "the file was made for a newer rackd";
            self.findings.report(Diagnostic::error(codes::BAD_FORMAT, entry.span.clone(), message).help(help));
        }
    }

    /// Beats a minute: a number, or text with `bpm`.
    pub fn tempo(&mut self, entry: &Entry<'d, 't>) -> Option<f64> {
        let tempo = match self.quantity(entry)? {
            Quantity::Plain(tempo) => tempo,
            Quantity::Frequency(octaves) => 60.0 * crate::base::units::hertz_from_octaves(octaves),
            other => {
                let message = format!("this is {}, and a tempo is in beats a minute", other.what());
                self.findings.report(Diagnostic::error(codes::WRONG_UNIT, entry.span.clone(), message).help("such as 118"));
                return None;
            }
        };
        if (TEMPO.0 - 1e-9..=TEMPO.1 + 1e-6).contains(&tempo) {
            return Some(tempo);
        }
        let message = format!("`tempo` goes from {} to {} beats a minute", TEMPO.0, TEMPO.1);
        self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, entry.span.clone(), message));
        None
    }
}
