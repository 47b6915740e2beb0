//! `[voice.*]` and `[global.*]`: the modules, their inputs and settings.

use std::ops::Range;

use toml::de::DeValue;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;
use crate::module::{Catalogue, Input, ModuleDef, Settings};

use super::codes;
use super::document::Entry;
use super::model::{Amount, Base, Domain, Module, ModuleId, Source, Sum, Term};
use super::pitch::Pending;
use super::reading::Reading;
use super::scope::{Head, Meaning, short};
use super::sum::Place;
use super::values;

/// A module's table before its inputs are read.
pub(super) struct Table<'d, 't> {
    pub name: String,
    pub domain: Domain,
    /// What it is, or the nearest to what it claims to be.
    pub kind: Option<&'static ModuleDef>,
    pub entries: Vec<Entry<'d, 't>>,
    pub span: Range<usize>,
    pub part: Part,
}

/// Where what stands in a table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// From its own entries.
    Own,
    /// It is a module of an include: its number, and the module's there.
    Inside(usize, usize),
    /// It is the `[out]` of an include.
    Out(usize),
}

/// What counts where nothing is written at an input.
pub(super) fn unwritten(input: &Input, domain: Domain) -> Sum {
    match input.normalled {
        Some(source) if domain == Domain::Voice => {
            Sum { terms: vec![Term { depth: 1.0, key: String::new(), sources: vec![Source::Note(source)] }], ..Sum::default() }
        }
        _ => {
            let default = values::counted(input.unit, f64::from(input.default));
            Sum { base: Base::Number(Amount::Plain(default)), ..Sum::default() }
        }
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Finds the modules, takes their names and says what each is.
    pub fn module_tables(
        &mut self,
        voice: Option<&Entry<'d, 't>>,
        global: Option<&Entry<'d, 't>>,
        catalogue: &Catalogue,
    ) -> Vec<Table<'d, 't>> {
        let help = "a module is a table: `[voice.osc]` with `type = \"…\"`";
        let mut found = Vec::new();
        for (section, domain) in [(voice, Domain::Voice), (global, Domain::Global)] {
            if let Some(entries) = section.and_then(|section| self.table(section, help)) {
                found.extend(entries.into_iter().map(|entry| (entry, domain)));
            }
        }
        found.sort_by_key(|(entry, _)| entry.key_span.start);
        let mut tables: Vec<Table<'d, 't>> = Vec::with_capacity(found.len());
        for (entry, domain) in found {
            let Some(entries) = self.table(&entry, help) else {
                self.scope.declare(entry.key, entry.key_span.clone(), Meaning::Broken, &mut self.findings);
                continue;
            };
            if domain == Domain::Voice && !self.scope.has_note && !std::mem::replace(&mut self.scope.told_no_note, true) {
                let message = format!("`{}` stands in a voice, and there are no voices without `[note]`", short(entry.key));
                let help = "add `[note]` to play notes, or write `[global.…]` for an effect or a drone";
                self.findings.report(Diagnostic::error(codes::VOICE_WITHOUT_NOTE, entry.key_span.clone(), message).help(help));
            }
            if let Some(include) = entries.iter().find(|entry| entry.key == "include").cloned() {
                self.include(&entry, entries, &include, domain, catalogue, &mut tables);
                continue;
            }
            let (known, kind) = self.kind(&entry, &entries, domain, catalogue);
            let id = ModuleId(tables.len());
            self.scope.declare(entry.key, entry.key_span.clone(), Meaning::Module(id), &mut self.findings);
            self.scope.modules.push(Head { name: entry.key.to_owned(), domain, kind: known, sound: known.is_some() });
            tables.push(Table { name: entry.key.to_owned(), domain, kind, entries, span: entry.span, part: Part::Own });
        }
        tables
    }

    /// What a module is; and what it is taken for, so that the rest of its table can be looked at.
    fn kind(
        &mut self,
        module: &Entry<'d, 't>,
        entries: &[Entry<'d, 't>],
        domain: Domain,
        catalogue: &Catalogue,
    ) -> (Option<&'static ModuleDef>, Option<&'static ModuleDef>) {
        let Some(entry) = entries.iter().find(|entry| entry.key == "type") else {
            if self.document.is_whole() {
                let message = format!("module `{}` does not say what it is", short(module.key));
                let names: Vec<_> = catalogue.iter().map(|kind| kind.name).collect();
                self.findings.report(
                    Diagnostic::error(codes::NO_TYPE, module.span.clone(), message)
                        .help(format!("add `type = \"…\"`: {}", names.join(" "))),
                );
            }
            return (None, None);
        };
        let Some(name) = self.string(entry, "the name of a module, such as \"vco\"") else { return (None, None) };
        let Some(kind) = catalogue.find(name) else {
            let names: Vec<_> = catalogue.iter().map(|kind| kind.name).collect();
            let nearest = self.findings.nearest(name, names.iter().copied());
            let mut diagnostic =
                Diagnostic::error(codes::UNKNOWN_TYPE, entry.span.clone(), format!("there is no module of type \"{}\"", short(name)));
            diagnostic.help = Some(format!("types are {}", names.join(" ")));
            diagnostic.fix = nearest.map(|name| format!("\"{name}\""));
            self.findings.report(diagnostic);
            return (None, nearest.and_then(|name| catalogue.find(name)));
        };
        if domain == Domain::Voice && !kind.per_voice() {
            let message = format!("`{}` exists once for the patch, not once a voice", kind.name);
            let help = format!("move it to `[global.{}]`; voices are summed on the way in", short(module.key));
            self.findings.report(Diagnostic::error(codes::GLOBAL_ONLY, entry.span.clone(), message).help(help));
        }
        (Some(kind), Some(kind))
    }

    /// Reads a module's inputs and settings. What still needs a pitch somewhere is added to `pending`.
    pub fn module(&mut self, id: ModuleId, table: &Table<'d, 't>, pending: &mut Vec<Pending>) -> Option<Module> {
        if table.part != Part::Own {
            return self.included_module(table);
        }
        let kind = table.kind?;
        let mut inputs: Vec<Sum> = kind.inputs.iter().map(|input| unwritten(input, table.domain)).collect();
        let mut settings = Settings::defaults(kind.settings);
        let errors = self.findings.errors();
        for entry in &table.entries {
            if let Some(input) = kind.inputs.iter().find(|input| input.name == entry.key) {
                if let Some(sum) = self.input(id, table, input, entry, pending) {
                    inputs[input.index] = sum;
                }
            } else if let Some(setting) = kind.settings.iter().find(|setting| setting.name == entry.key) {
                if let Some(value) = self.setting(entry, setting) {
                    settings.0[setting.index] = value;
                }
            } else if entry.key != "type" {
                self.unknown_input(entry, kind, table);
            }
        }
        if self.findings.errors() != errors {
            self.scope.modules[id.0].sound = false;
            pending.push(Pending::Unknown(id));
        }
        Some(Module { name: table.name.clone(), domain: table.domain, kind, inputs, settings, span: table.span.clone() })
    }

    fn input(
        &mut self,
        id: ModuleId,
        table: &Table<'d, 't>,
        input: &'static Input,
        entry: &Entry<'d, 't>,
        pending: &mut Vec<Pending>,
    ) -> Option<Sum> {
        let place = Place {
            name: format!("{}.{}", table.name, input.name),
            unit: input.unit,
            range: (input.unit != Unit::Audio).then_some((input.min, input.max)),
            domain: table.domain,
            knobs_only: false,
        };
        let lowered = self.sum(entry, &place)?;
        if lowered.needs_pitch {
            let exact = match entry.value {
                DeValue::String(text) => self.document.origin(text, &entry.span),
                _ => return Some(lowered.sum),
            };
            let span = exact.span(0, lowered.sum.text.len());
            pending.push(Pending::Pitch { module: id, input: input.index, span, exact: exact.exact() });
        }
        Some(lowered.sum)
    }

    fn unknown_input(&mut self, entry: &Entry<'d, 't>, kind: &'static ModuleDef, table: &Table<'d, 't>) {
        let inputs = kind.inputs.iter().map(|input| input.name);
        let names: Vec<_> = inputs.chain(kind.settings.iter().map(|setting| setting.name)).collect();
        let message = format!("{} `{}` has no input or setting `{}`", kind.name, short(&table.name), short(entry.key));
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_INPUT, entry.key_span.clone(), message);
        let is_output = kind.outputs.iter().any(|output| output.name == entry.key);
        let list = format!("it has {}", names.join(" "));
        diagnostic.help = Some(if is_output { format!("`{}` is an output; {list}", entry.key) } else { list });
        diagnostic.fix = self.findings.nearest(entry.key, names).map(str::to_owned);
        self.findings.report(diagnostic);
    }
}
