//! `/clear`: what waits for its time is taken back, but for what ends notes or is waited for.

use std::collections::HashSet;

use super::address_map::Spot;
use super::ahead::{Gone, must_stay};
use super::client::Client;
use super::control::Control;
use super::draft::{Draft, MASTER, Step};
use super::fail::{Code, Fail};
use super::note_keys::wrong;
use super::place::Place;
use super::verbs::Call;
use crate::engine::event::ALL_SLOTS;
use crate::engine::{Act, Event};
use crate::wire::{Pattern, is_pattern};

/// One use of the verb.
#[derive(Clone, Debug)]
pub struct Clear {
    /// Everybody's, not only this client's.
    everybody: bool,
    /// What is meant; `None`: everything.
    meant: Option<Meant>,
}

/// What an address, a pattern or a path stands for.
#[derive(Clone, Debug, Default)]
struct Meant {
    spots: HashSet<(usize, Spot)>,
    /// Slots whose notes are meant.
    notes: HashSet<usize>,
    tempo: bool,
    transport: bool,
}

const NOTES: [&str; 2] = ["note", "note/on"];
const TRANSPORT: [&str; 5] = ["play", "pause", "toggle", "stop", "locate"];

/// `/clear`. It acts at once, whatever the time of its bundle, and before the rest of its packet.
pub(super) fn clear(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let words: Option<Vec<&str>> = call.values.iter().map(super::value::Value::text).collect();
    let clear = match words.as_deref() {
        Some([]) => Clear { everybody: false, meant: None },
        Some(["all"]) => Clear { everybody: true, meant: None },
        Some([address]) => Clear { everybody: false, meant: Some(control.meant(address)?) },
        Some([address, "all"]) => Clear { everybody: true, meant: Some(control.meant(address)?) },
        _ => return Err(wrong(call, "nothing, all, or an address is wanted, and all behind it for what everybody sent")),
    };
    if clear.everybody && clear.meant.is_none() {
        draft.things += 1;
        draft.events.insert(0, Event { at: 0, act: Act::Clear });
    }
    draft.clears.push(clear);
    Ok(())
}

impl Control {
    /// Takes back what waits; how many events.
    pub(super) fn clear(&mut self, client: Client, clear: Clear) -> usize {
        let whose = (!clear.everybody).then_some(client);
        // It is away while it is looked through.
        let mut ahead = std::mem::take(&mut self.ahead);
        let gone = match &clear.meant {
            None => ahead.clear(whose, |_| true, |_| true),
            Some(meant) => ahead.clear(whose, |event| self.is_meant(meant, event), |step| self.is_meant_step(meant, step)),
        };
        self.ahead = ahead;
        self.taken_back(&gone);
        let mut count = gone.count();
        if clear.everybody && clear.meant.is_none() {
            self.later.clear();
            let mut waited = Gone::default();
            for line in &mut self.lines {
                line.change(|events| {
                    let before = events.len();
                    events.retain(|event| {
                        let stays = must_stay(&event.act) || event.at == 0;
                        if let (false, Act::NoteOn { id, .. }) = (stays, event.act) {
                            waited.notes.push(id);
                        }
                        stays
                    });
                    *waited.events.entry(client).or_default() += before - events.len();
                });
            }
            self.taken_back(&waited);
            count += waited.count();
        }
        count
    }

    /// What an address, a pattern, or all below a path stands for.
    fn meant(&self, address: &str) -> Result<Meant, Fail> {
        let mut meant = Meant::default();
        let plain = match address.strip_prefix("/n/") {
            Some(rest) => &address[address.len() - rest.len() - 1..],
            None => address,
        };
        let pattern = if is_pattern(plain) {
            Some(Pattern::new(plain).map_err(|bad| Fail::new(address, Code::Pattern, bad.to_string()))?)
        } else {
            None
        };
        // A path stands for all below it.
        let path = plain.trim_end_matches('/');
        let stands = |of: &str| match &pattern {
            Some(pattern) => pattern.matches(of),
            None => of.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        let found = match &pattern {
            Some(_) => self.find_all(plain)?.targets.into_iter().map(|(_, target)| target).collect(),
            None => {
                let mut found: Vec<_> = self.find_target(plain).into_iter().collect();
                for (_, slot) in self.loaded() {
                    let below = slot.addresses.iter().map(|rest| format!("/{}/{rest}", slot.name)).filter(|address| stands(address));
                    found.extend(below.filter_map(|address| self.find_target(&address)));
                }
                let master = ["/master/level", "/master/limiter"].into_iter().filter(|address| stands(address));
                found.extend(master.filter_map(|address| self.find_target(address)));
                found
            }
        };
        meant.spots.extend(found.into_iter().map(|target| (target.slot, self.own_spot(target.slot, target.spot))));
        for bound in self.bound.iter().filter(|(bound, _)| stands(bound)).flat_map(|(_, entries)| entries) {
            meant.spots.extend(self.targets_of(*bound).map(|target| (target.slot, self.own_spot(target.slot, target.spot))));
        }
        let plays = self.loaded().filter(|(_, slot)| NOTES.iter().any(|verb| stands(&format!("/{}/{verb}", slot.name))));
        meant.notes = plays.map(|(at, _)| at).collect();
        meant.tempo = stands("/clock/tempo");
        meant.transport = TRANSPORT.iter().any(|verb| stands(&format!("/transport/{verb}")));
        if meant.spots.is_empty() && meant.notes.is_empty() && !meant.tempo && !meant.transport {
            return Err(match pattern {
                Some(_) => Fail::new(address, Code::Pattern, "the pattern matches nothing"),
                None => self.unknown(address),
            });
        }
        Ok(meant)
    }

    /// The spot that is turned where this one is named.
    fn own_spot(&self, slot: usize, spot: Spot) -> Spot {
        match (spot, self.slots.get(slot)) {
            (Spot::Place(place), Some(of)) => Spot::Place(place.own(&of.patch)),
            _ => spot,
        }
    }

    fn is_meant(&self, meant: &Meant, event: &Event) -> bool {
        let (slot, spot) = match event.act {
            Act::Knob { slot, knob, .. } => {
                let owner = self.slots.get(usize::from(slot)).and_then(|of| of.outline.knobs.get(knob.0 as usize));
                let Some(place) = owner.and_then(|knob| Place::of_knob(knob.owner)) else { return false };
                (slot, Spot::Place(place))
            }
            Act::Cell { slot, list, index, .. } => {
                let list = self.slots.get(usize::from(slot)).and_then(|of| of.outline.lists.get(usize::from(list)));
                let Some((module, setting)) = list else { return false };
                (slot, if index == u8::MAX { Spot::Setting(*module, *setting) } else { Spot::Cell(*module, *setting, usize::from(index)) })
            }
            Act::Mix { slot, what, .. } => (slot, Spot::Strip(what)),
            Act::NoteOn { slot, .. } | Act::GlideFrom { slot, .. } | Act::NoteSet { slot, .. } => {
                return meant.notes.contains(&usize::from(slot));
            }
            Act::Tempo(_) => return meant.tempo,
            Act::Run(_)
            | Act::RunWith { .. }
            | Act::Locate { .. }
            | Act::Loop { .. }
            | Act::Swing { .. }
            | Act::Nudge(_)
            | Act::Metronome { .. }
            | Act::CountIn(_)
            | Act::Pause(_) => return meant.transport,
            Act::NoteOff { .. } | Act::NoteFade { .. } | Act::Panic { .. } | Act::Sync(_) | Act::Clear => return false,
        };
        self.has_spot(meant, if slot == ALL_SLOTS { MASTER } else { usize::from(slot) }, spot)
    }

    fn is_meant_step(&self, meant: &Meant, step: &Step) -> bool {
        match *step {
            Step::Turned(slot, place, _) => self.has_spot(meant, slot, Spot::Place(place)),
            Step::Glide(target, ..) => self.has_spot(meant, target.slot, target.spot),
            Step::Setting(slot, module, setting, _) => self.has_spot(meant, slot, Spot::Setting(module, setting)),
            Step::Cell(slot, module, setting, cell, _) => self.has_spot(meant, slot, Spot::Cell(module, setting, cell)),
            Step::Strip(slot, mix, _) => self.has_spot(meant, slot, Spot::Strip(mix)),
            Step::Recalled(slot, _) => self.has_spot(meant, slot, Spot::Preset),
            Step::Zone(slot, part, _) => self.has_spot(meant, slot, Spot::Zone(part)),
            Step::Tempo(_) => meant.tempo,
            Step::Motion(_) | Step::Counting(_) => meant.transport,
            Step::Tune(_)
            | Step::Send(..)
            | Step::Out(..)
            | Step::Touched(..)
            | Step::Started(..)
            | Step::Released(_)
            | Step::Renewed(_)
            | Step::Sync(..)
            | Step::Call(..) => false,
        }
    }

    fn has_spot(&self, meant: &Meant, slot: usize, spot: Spot) -> bool {
        // A list stands for its entries.
        let whole = if let Spot::Cell(module, setting, _) = spot { Some((slot, Spot::Setting(module, setting))) } else { None };
        meant.spots.contains(&(slot, self.own_spot(slot, spot))) || whole.is_some_and(|whole| meant.spots.contains(&whole))
    }
}
