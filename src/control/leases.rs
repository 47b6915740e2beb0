//! Notes belong to their client: what it no longer holds does not sound on.

use super::client::Client;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::Fail;
use super::note_keys::wrong;
use super::note_verbs::{find, name, unknown};
use super::notes::NoteName;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::engine::NoteId;

/// `/notes`: which notes the client holds; told, they are renewed and all its others are let go.
pub(super) fn notes(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    if call.values.is_empty() {
        let held = control
            .held_by(call.client)
            .into_iter()
            .flat_map(|(_, slot, name)| [Value::from(control.slots[usize::from(slot)].name.as_str()), name.value()]);
        draft.replies.push(Message::new(call.address, held.collect()));
        return Ok(());
    }
    let mut kept = Vec::new();
    let none = matches!(call.values, [Value::Text(word)] if word == "none");
    if !none {
        if !call.values.len().is_multiple_of(2) {
            return Err(wrong(call, "slot and id of each note that is still held are wanted, or none"));
        }
        for pair in call.values.chunks_exact(2) {
            let slot = pair[0].text().and_then(|slot| control.names.get(slot).copied());
            let slot = slot.ok_or_else(|| wrong(call, format!("{} is no slot", pair[0])))?;
            let of_slot = Call { slot, ..call };
            let id = name(of_slot, &pair[1])?;
            match find(control, draft, of_slot, &id) {
                Some(id) => kept.push(id),
                // It has ended meanwhile: that is told, and no reason to let go of the others.
                None => draft.replies.push(unknown(of_slot, &pair[1]).message()),
            }
        }
    }
    kept.iter().for_each(|id| draft.step(Step::Renewed(*id)));
    for (id, slot, _) in control.held_by(call.client) {
        if !kept.contains(&id) {
            control.let_go_of(draft, slot, id, 0.0);
        }
    }
    Ok(())
}

impl Control {
    /// The notes that a client holds: note, slot, name.
    fn held_by(&self, client: Client) -> Vec<(NoteId, u8, NoteName)> {
        let held = self.notes.iter().filter(|(_, note)| note.client == client);
        held.filter_map(|(id, note)| Some((id, note.slot, note.name.clone()?))).collect()
    }

    /// Lets go of all notes that a client holds.
    pub(super) fn release_all_of(&mut self, client: Client) {
        let held = self.held_by(client);
        self.let_all_go(client, held.into_iter().map(|(id, slot, _)| (id, slot)));
    }

    /// Lets go of the notes whose lease is over.
    pub(super) fn end_leases(&mut self) {
        while let Some(id) = self.notes.over(self.shown.now()) {
            let Some((client, slot)) = self.notes.of(id) else { continue };
            self.counts.leases += 1;
            self.let_all_go(client, [(id, slot)]);
        }
    }

    /// By the line of who started them, behind all that it said before.
    fn let_all_go(&mut self, client: Client, notes: impl IntoIterator<Item = (NoteId, u8)>) {
        let mut draft = Draft::new(client);
        for (id, slot) in notes {
            self.let_go_of(&mut draft, slot, id, 0.0);
        }
        if draft.events.is_empty() {
            return;
        }
        if self.commit(&mut draft).is_err() {
            // That client's line is full. By another way the end of a note might come before its start.
            self.owe(&draft);
        }
    }
}
