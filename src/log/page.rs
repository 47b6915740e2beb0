//! What a log says of plans, so that they can be compiled again, as messages.
//!
//! | address | arguments |
//! |---|---|
//! | `/plan` | number, slot, number of the one before (0: none), tempo, the patch's file (or an empty text), its text |
//! | `/plan/include` | number, path, name, text: a file that it includes |
//! | `/plan/setting` | number, module, setting, kind, value…: one that was changed since |
//! | `/plan/turned` | number, place, its numbers…, amount (a float counts, a double is beats) |
//! | `/mixer` | number, then of each way of sound: from, tap, to |
//! | `/hole` | why what follows is not the same again |
//!
//! What belongs to a plan stands behind it.

use std::path::PathBuf;

use super::entry::{Args, long};
use crate::control::logbook::{LoggedPlan, Page};
use crate::control::place::Place;
use crate::module::SettingValue;
use crate::patch::{Amount, ControlId, IncludedFile, ModuleId};
use crate::plan::mixer::{Lead, Tap, To};
use crate::wire::{Arg, Message};

fn text(text: &str) -> Arg {
    Arg::Text(text.to_owned())
}

fn count(x: usize) -> Arg {
    long(x as u64)
}

/// A page as messages. `[control]`
pub fn write(page: &Page) -> Vec<Message> {
    match page {
        Page::Plan(plan) => write_plan(plan),
        Page::Mix(number, leads) => {
            let leads = leads.iter().flat_map(|lead| {
                let tap = match lead.tap {
                    Tap::Out => "out",
                    Tap::Send => "send",
                    Tap::PreSend => "pre-send",
                };
                let to = match lead.to {
                    To::Master => "master".to_owned(),
                    To::Slot(to) => format!("slot {to}"),
                    To::Channels(left, None) => format!("channel {left}"),
                    To::Channels(left, Some(right)) => format!("channels {left} {right}"),
                };
                [Arg::Int(lead.from.into()), text(tap), Arg::Text(to)]
            });
            vec![Message::new("/mixer", std::iter::once(long((*number).into())).chain(leads).collect())]
        }
        Page::Hole(why) => vec![Message::new("/hole", vec![text(why)])],
    }
}

fn write_plan(plan: &LoggedPlan) -> Vec<Message> {
    let number = || long(plan.number.into());
    let file = plan.file.as_ref().map_or(String::new(), |file| file.display().to_string());
    let head =
        vec![number(), Arg::Int(plan.slot.into()), long(plan.before.into()), Arg::Double(plan.tempo), Arg::Text(file), text(&plan.text)];
    let mut messages = vec![Message::new("/plan", head)];
    messages.extend(plan.includes.iter().map(|file| {
        let path = Arg::Text(file.path.display().to_string());
        Message::new("/plan/include", vec![number(), path, text(&file.name), text(&file.text)])
    }));
    messages.extend(plan.settings.iter().map(|(module, setting, value)| {
        let mut args = vec![number(), count(module.0), count(*setting)];
        match value {
            SettingValue::Choice(x) => args.extend([text("choice"), count(*x)]),
            SettingValue::Integer(x) => args.extend([text("integer"), Arg::Long(*x)]),
            SettingValue::Number(x) => args.extend([text("number"), Arg::Double(*x)]),
            SettingValue::Name(name) => args.extend([text("name"), text(name)]),
            SettingValue::List(list) => {
                args.push(text("list"));
                args.extend(list.iter().map(|x| Arg::Float(*x)));
            }
        }
        Message::new("/plan/setting", args)
    }));
    messages.extend(plan.turned.iter().map(|(place, amount)| {
        let (kind, numbers) = place_numbers(*place);
        let mut args = vec![number(), text(kind)];
        args.extend(numbers.into_iter().map(count));
        args.push(match amount {
            Amount::Plain(x) => Arg::Float(*x),
            Amount::Beats(x) => Arg::Double(*x),
        });
        Message::new("/plan/turned", args)
    }));
    messages
}

fn place_numbers(place: Place) -> (&'static str, Vec<usize>) {
    match place {
        Place::Control(control) => ("control", vec![control.0]),
        Place::Base(module, input) => ("base", vec![module.0, input]),
        Place::Depth(module, input, term) => ("depth", vec![module.0, input, term]),
        Place::NoteBase(input) => ("note-base", vec![input]),
        Place::NoteDepth(input, term) => ("note-depth", vec![input, term]),
        Place::OutBase(side) => ("out-base", vec![side]),
        Place::OutDepth(side, term) => ("out-depth", vec![side, term]),
    }
}

fn read_place(args: &mut Args<'_>) -> Option<Place> {
    Some(match args.word()? {
        "control" => Place::Control(ControlId(args.part()?)),
        "base" => Place::Base(ModuleId(args.part()?), args.part()?),
        "depth" => Place::Depth(ModuleId(args.part()?), args.part()?, args.part()?),
        "note-base" => Place::NoteBase(args.part()?),
        "note-depth" => Place::NoteDepth(args.part()?, args.part()?),
        "out-base" => Place::OutBase(args.part()?),
        "out-depth" => Place::OutDepth(args.part()?, args.part()?),
        _ => return None,
    })
}

/// Takes what a message says of plans into the pages read so far; `None` for one that says nothing of them, or not all. `[control]`
pub fn read(message: &Message, pages: &mut Vec<Page>) -> Option<()> {
    let mut args = Args::of(message);
    let args = &mut args;
    match message.address.as_str() {
        "/plan" => {
            let (number, slot, before, tempo) = (args.part()?, args.part()?, args.part()?, args.double()?);
            let file = Some(args.word()?).filter(|file| !file.is_empty()).map(PathBuf::from);
            let text = args.word()?.to_owned();
            let (includes, settings, turned) = Default::default();
            pages.push(Page::Plan(Box::new(LoggedPlan { number, slot, before, tempo, file, text, includes, settings, turned })));
        }
        "/plan/include" => {
            let plan = plan_of(args, pages)?;
            plan.includes.push(IncludedFile { path: args.word()?.into(), name: args.word()?.to_owned(), text: args.word()?.into() });
        }
        "/plan/setting" => {
            let plan = plan_of(args, pages)?;
            let (module, setting) = (ModuleId(args.part()?), args.part()?);
            let value = match args.word()? {
                "choice" => SettingValue::Choice(args.part()?),
                "integer" => SettingValue::Integer(args.whole()?),
                "number" => SettingValue::Number(args.double()?),
                "name" => SettingValue::Name(args.word()?.to_owned()),
                "list" => SettingValue::List(message.args[4..].iter().map(|_| args.float()).collect::<Option<_>>()?),
                _ => return None,
            };
            plan.settings.push((module, setting, value));
        }
        "/plan/turned" => {
            let plan = plan_of(args, pages)?;
            let place = read_place(args)?;
            let amount = match message.args.last()? {
                Arg::Float(x) => Amount::Plain(*x),
                Arg::Double(x) => Amount::Beats(*x),
                _ => return None,
            };
            plan.turned.push((place, amount));
        }
        "/mixer" => {
            let number = args.part()?;
            let mut leads = Vec::new();
            while !args.is_empty() {
                leads.push(read_lead(args)?);
            }
            pages.push(Page::Mix(number, leads));
        }
        "/hole" => pages.push(Page::Hole(args.word()?.to_owned())),
        _ => return None,
    }
    Some(())
}

/// The plan that a message goes on with: the last.
fn plan_of<'a>(args: &mut Args<'_>, pages: &'a mut [Page]) -> Option<&'a mut LoggedPlan> {
    let number: u32 = args.part()?;
    pages.iter_mut().rev().find_map(|page| match page {
        Page::Plan(plan) if plan.number == number => Some(&mut **plan),
        _ => None,
    })
}

fn read_lead(args: &mut Args<'_>) -> Option<Lead> {
    let from = args.part()?;
    let tap = match args.word()? {
        "out" => Tap::Out,
        "send" => Tap::Send,
        "pre-send" => Tap::PreSend,
        _ => return None,
    };
    let words: Vec<&str> = args.word()?.split(' ').collect();
    let to = match words[..] {
        ["master"] => To::Master,
        ["slot", to] => To::Slot(to.parse().ok()?),
        ["channel", left] => To::Channels(left.parse().ok()?, None),
        ["channels", left, right] => To::Channels(left.parse().ok()?, Some(right.parse().ok()?)),
        _ => return None,
    };
    Some(Lead { from, tap, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_read_as_it_was_written() {
        let list = SettingValue::List(vec![0.1, -2.0]);
        let settings =
            [SettingValue::Choice(3), SettingValue::Integer(-9), SettingValue::Number(0.1), SettingValue::Name("a b".into()), list];
        let places = [
            Place::Control(ControlId(1)),
            Place::Base(ModuleId(2), 3),
            Place::Depth(ModuleId(4), 5, 6),
            Place::NoteBase(7),
            Place::NoteDepth(8, 9),
            Place::OutBase(1),
            Place::OutDepth(0, 2),
        ];
        let amounts = [Amount::Plain(0.1), Amount::Beats(1.0 / 3.0)];
        let file = |name: &str| IncludedFile { path: format!("/tmp/{name}").into(), name: name.to_owned(), text: "format = 1\n".into() };
        let plan = LoggedPlan {
            number: 7,
            slot: 63,
            before: 6,
            tempo: 117.3,
            file: Some("/tmp/a.toml".into()),
            text: "format = 1\n# ü\n".to_owned(),
            includes: vec![file("a"), file("b")],
            settings: settings.into_iter().enumerate().map(|(at, value)| (ModuleId(at), at + 1, value)).collect(),
            turned: places.into_iter().zip(amounts.into_iter().cycle()).collect(),
        };
        let bare = LoggedPlan { number: 8, file: None, includes: Vec::new(), settings: Vec::new(), turned: Vec::new(), ..plan.clone() };
        let ways = [To::Master, To::Slot(9), To::Channels(3, None), To::Channels(63, Some(0))];
        let taps = [Tap::Out, Tap::Send, Tap::PreSend, Tap::Out];
        let leads = ways.into_iter().zip(taps).map(|(to, tap)| Lead { from: 5, tap, to }).collect();
        let pages = vec![Page::Plan(Box::new(plan)), Page::Mix(2, leads), Page::Hole("why".to_owned()), Page::Plan(Box::new(bare))];
        let mut read_back = Vec::new();
        for message in pages.iter().flat_map(write) {
            assert_eq!(read(&message, &mut read_back), Some(()), "{message:?}");
        }
        assert_eq!(read_back, pages);
        assert_eq!(read(&Message::new("/plan/turned", vec![long(99)]), &mut read_back), None, "of no plan");
    }
}
