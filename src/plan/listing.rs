//! A plan as a person reads it: what runs where, in which order, and what each cycle costs.

use std::fmt::Write;

use super::compile::{Options, compile};
use super::lower::modules_of;
use super::order::{self, Consumer, Item, Order, Together};
use crate::module::isa::Level;
use crate::patch::{Domain, ModuleId, Patch};

/// The compiled plan of a patch, as text. `[control]`
pub fn listing(patch: &Patch) -> String {
    let order = order::order(patch);
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (plan, outline) = compile(patch, &options, &|_| None, None);
    let mut text = String::new();
    let name = if patch.name.is_empty() { "patch" } else { &patch.name };
    let _ = match outline.voices {
        0 => writeln!(text, "{name}: no voices"),
        voices => writeln!(text, "{name}: {voices} voices, {} side by side", outline.layout.voices.1),
    };
    let mut level = usize::MAX;
    for together in &order.run {
        if together.items.iter().all(|item| matches!(item, Item::Send(_))) && together.level == level {
            sends(&mut text, patch, &order, together);
            continue;
        }
        if together.level != level {
            level = together.level;
            let _ = writeln!(text, "\n{}", if level % 2 == 1 { "in each voice" } else { "once" });
        }
        if together.cycle {
            cycle(&mut text, patch, &order, together);
        }
        for item in &together.items {
            match item {
                Item::Module(id) => module(&mut text, patch, *id, together.cycle, &outline.layout),
                Item::Send(_) => sends(&mut text, patch, &order, together),
                Item::Notes => {
                    let words: Vec<&str> = order::played_sums(patch).map(|(_, sum)| sum.text.as_str()).collect();
                    let _ = writeln!(text, "  {:<28} {}", "notes of its own", words.join(" | "));
                }
                Item::Out => {
                    let words: Vec<&str> = order::out_sums(patch).iter().map(|sum| sum.text.as_str()).collect();
                    let _ = writeln!(text, "  {:<28} {}", "out", words.join(" | "));
                }
            }
        }
    }
    let sides = patch.modules.iter().zip(&outline.layout.sides);
    let voice: usize = sides.filter(|(module, _)| module.domain == Domain::Voice).map(|(_, sides)| usize::from(*sides)).sum();
    let global = &plan.part.shape;
    let _ = writeln!(
        text,
        "\n{} kernels once, {voice} in each voice; {} sums and {} wires once; {} knobs",
        global.kernels.len(),
        global.sums.len(),
        plan.part.wires.len(),
        outline.knobs.len(),
    );
    text
}

fn module(text: &mut String, patch: &Patch, id: ModuleId, in_cycle: bool, layout: &super::layout::Layout) {
    let module = &patch.modules[id.0];
    let twice = if layout.sides[id.0] > 1 { ", once a side" } else { "" };
    let head = format!("{}{} ({}{twice})", if in_cycle { "| " } else { "" }, module.name, module.kind.name);
    let cables: Vec<String> = module
        .kind
        .inputs
        .iter()
        .zip(&module.inputs)
        .filter(|(_, sum)| !sum.text.is_empty())
        .map(|(input, sum)| format!("{} = {}", input.name, sum.text))
        .collect();
    let _ = writeln!(text, "  {head:<28} {}", cables.join(", "));
}

fn cycle(text: &mut String, patch: &Patch, order: &Order, together: &Together) {
    let names: Vec<&str> = modules_of(together).map(|id| patch.modules[id.0].name.as_str()).collect();
    let name = |id: ModuleId| patch.modules[id.0].name.as_str();
    let mut late: Vec<String> = order
        .late
        .iter()
        .filter(|(_, into)| modules_of(together).any(|id| id == *into))
        .map(|(from, into)| format!("{} into {}", name(*from), name(*into)))
        .collect();
    late.sort_unstable();
    let _ = writeln!(
        text,
        "  cycle of {}: runs sample by sample; one sample of delay on the cable from {}",
        names.join(", "),
        late.join(", from ")
    );
}

fn sends(text: &mut String, patch: &Patch, order: &Order, together: &Together) {
    for item in &together.items {
        let Item::Send(number) = item else { continue };
        let send = order.sends[*number];
        let target = match send.consumer {
            Consumer::Input(module, input) => {
                let module = &patch.modules[module.0];
                format!("{}.{}", module.name, module.kind.inputs[input].name)
            }
            Consumer::Out(_) | Consumer::Note(_) => "out".to_string(),
        };
        let late = if send.delayed { "; closes a cycle through the sum of the voices: 64 samples of delay here" } else { "" };
        let _ = writeln!(text, "  {:<28} summed over the voices{late}", format!("to {target}"));
    }
}
