//! The table of verbs: addresses that act. Bodies stand elsewhere; who has the means hands its own over.

use super::control::Control;
use super::draft::Draft;
use super::fail::Fail;
use super::value::{Message, Value};
use super::{
    clear, clock_verbs, dump, engine_verbs, leases, map_files, map_verbs, midi_clock, note_verbs, osc_clock, peers, rack_verbs, subscribe,
    time_verbs, tuning_verbs,
};
use crate::base::time::SampleTime;
use crate::control::client::Client;

/// One use of a verb.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Whose.
    pub client: Client,
    /// As it was addressed.
    pub address: &'a str,
    /// The slot that was addressed; 0 where the verb belongs to none.
    pub slot: usize,
    /// The sample of its bundle's time; 0: as soon as may be.
    pub at: SampleTime,
    /// In order.
    pub values: &'a [Value],
}

/// What a verb does.
#[derive(Clone, Copy)]
pub enum Body {
    /// Sends events, exactly at the time of its bundle.
    Timed(fn(&mut Control, &mut Draft, Call<'_>) -> Result<(), Fail>),
    /// Acts off the audio thread as soon as the rest of its packet has been sent, and answers.
    Direct(fn(&mut Control, Call<'_>) -> Result<Vec<Message>, Fail>),
    /// The same; another part of the daemon hands its body over, where there is such a part.
    Elsewhere,
}

/// An address that acts.
#[derive(Clone, Copy)]
pub struct Verb {
    /// Its address; of a slot's verbs, what comes after `/<slot>/`.
    pub address: &'static str,
    /// Its arguments, for the reference.
    pub arguments: &'static str,
    /// One sentence for the reference.
    pub does: &'static str,
    /// What it does.
    pub body: Body,
}

/// What a given verb does: it answers, or fails.
pub type GivenBody = Box<dyn FnMut(&mut Control, Call<'_>) -> Result<Vec<Message>, Fail> + Send>;

/// The same with Control itself, which is locked as long as it runs: it may not wait for anything.
pub type ElsewhereBody = Box<dyn FnMut(&mut Control, Call<'_>) -> Result<Vec<Message>, Fail> + Send>;

/// A verb whose body another part of the daemon has handed over.
pub struct Given {
    /// Its address.
    pub address: String,
    /// Its arguments, for the reference.
    pub arguments: &'static str,
    /// One sentence for the reference.
    pub does: &'static str,
    /// What it does; away while it runs.
    pub body: Option<GivenBody>,
}

/// Where a verb was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Among [`VERBS`].
    Own(usize),
    /// Among [`SLOT_VERBS`], of a slot.
    Slot(usize, usize),
    /// Among those handed over.
    Given(usize),
}

const fn timed(
    address: &'static str,
    arguments: &'static str,
    does: &'static str,
    body: fn(&mut Control, &mut Draft, Call<'_>) -> Result<(), Fail>,
) -> Verb {
    Verb { address, arguments, does, body: Body::Timed(body) }
}

const fn direct(
    address: &'static str,
    arguments: &'static str,
    does: &'static str,
    body: fn(&mut Control, Call<'_>) -> Result<Vec<Message>, Fail>,
) -> Verb {
    Verb { address, arguments, does, body: Body::Direct(body) }
}

const fn elsewhere(address: &'static str, arguments: &'static str, does: &'static str) -> Verb {
    Verb { address, arguments, does, body: Body::Elsewhere }
}

/// The verbs of a slot, by what comes after `/<slot>/`.
pub const SLOT_VERBS: &[Verb] = &[
    timed(
        "note",
        "pitch velocity [duration [key value]…]",
        "Plays a note. Pitch 60 is C4, or a name; duration in seconds or \"1/8\", a quarter where none is given.",
        note_verbs::note,
    ),
    timed(
        "note/on",
        "id pitch velocity [key value]…",
        "Starts note id, a number or word of the client's own; velocity 0 ends it.",
        note_verbs::on,
    ),
    timed("note/off", "id [velocity]", "Ends note id.", note_verbs::off),
    timed("note/bend", "id semitones", "Bends one note.", note_verbs::bend),
    timed("note/pressure", "id 0..1", "Presses one note.", note_verbs::pressure),
    timed("note/timbre", "id 0..1", "Sets the timbre of one note.", note_verbs::timbre),
    timed("note/volume", "id 0..1", "Sets the volume of one note.", note_verbs::volume),
    timed("note/pan", "id -1..1", "Places one note between left and right.", note_verbs::pan),
    timed("note/set", "id key value", "Gives one note its own value of a control or of a voice module's input.", note_verbs::set),
];

/// The verbs that belong to no slot.
pub const VERBS: &[Verb] = &[
    timed("/panic", "[0 release | 1 fade | 2 cut]", "Ends all notes.", note_verbs::panic),
    timed(
        "/notes",
        "[slot id]… | none",
        "Says which notes this client still holds: their lease begins anew, its others are let go. Without arguments: tells them.",
        leases::notes,
    ),
    direct(
        "/rack/load",
        "file [slot]",
        "Plays a patch in a slot, or a rack in place of all that plays; answers /done when all of it sounds.",
        rack_verbs::load,
    ),
    direct("/rack/unload", "slot", "Takes a slot out of the rack: its sound fades, its notes end; answers /done.", rack_verbs::unload),
    direct(
        "/rack/reload",
        "[slot]",
        "Reads a slot's file again; without a slot, the rack and all its patches: what is another plays anew.",
        rack_verbs::reload,
    ),
    direct(
        "/rack/save",
        "[file]",
        "Writes the rack as it stands, with what was turned, whole or not at all; without a file, into its own. Comments stay.",
        rack_verbs::save,
    ),
    direct("/rack/list", "", "Answers with the name and file of each slot.", rack_verbs::list),
    direct("/patch/get", "slot", "Answers with the text of a slot's patch.", rack_verbs::get),
    direct("/patch/check", "text", "Answers with the mistakes in a patch, without playing it.", rack_verbs::check),
    timed(
        "/tuning/scale",
        "[slot | *] file.scl | text | equal | intervals…",
        "Tunes the rack, or a slot, to a scale: a file, its text, or intervals above the root, the last of them the octave. Numbers are cents, ratios text.",
        tuning_verbs::scale,
    ),
    timed("/tuning/load", "[slot | *] file.scl [file.kbm]", "The same by a scale and a key map of Scala's.", tuning_verbs::load),
    timed(
        "/tuning/reference",
        "[slot | *] Hz [key]",
        "Gives a key this frequency, and all others with it; A4 where none was named before.",
        tuning_verbs::reference,
    ),
    timed(
        "/tuning/note",
        "[slot | *] key cents | \"Hz\"",
        "Tunes one key: cents from equal temperament, or a frequency.",
        tuning_verbs::note,
    ),
    timed(
        "/tuning/octave",
        "[slot | *] c0 … c11",
        "Equal temperament, each of the twelve notes from C on so many cents higher.",
        tuning_verbs::octave,
    ),
    direct(
        "/tuning/get",
        "[slot | *]",
        "Answers with the slot or *, the name of its tuning, and the frequency of each of the 128 keys; 0 plays nothing.",
        tuning_verbs::get,
    ),
    timed("/tuning/reset", "[slot | *]", "Forgets what was said of a tuning; what the files say counts again.", tuning_verbs::reset),
    direct(
        "/map/learn",
        "[target]… [cc | nrpn | bend | pressure | note | midi | osc]…",
        "The next controller that moves, or free OSC address that speaks, turns the target from then on: /map/learned target source. Stays in learning: what is picked or turned next is next. Without arguments: begins, or ends.",
        map_verbs::learn,
    ),
    direct("/map/done", "", "Ends learning; what was learnt stays.", map_verbs::finish),
    direct("/map/cancel", "", "Ends learning and forgets what was learnt since it began.", map_verbs::cancel),
    direct(
        "/map/list",
        "[slot | target | source]",
        "Answers with each map, a message a target: source, target, keys and values, by whom; then /done.",
        map_verbs::list,
    ),
    direct(
        "/map/set",
        "source target [key value]…",
        "Makes a map by hand: from (two numbers), min, max, curve, pickup, toggle, relative, step as in [map].",
        map_verbs::set,
    ),
    direct(
        "/map/clear",
        "target | source | all",
        "These maps act no more, until they are set anew; those of files stay in them unless it is saved.",
        map_verbs::clear,
    ),
    direct(
        "/map/save",
        "[patch | device [name]]",
        "Writes what was learnt, set and cleared into the patch's own file, or into the profile of the device by which it was learnt.",
        map_files::save,
    ),
    timed(
        "/transport",
        "",
        "Answers with a number and a word (0 stopped, 1 playing, 2 paused), bar and beat, both from 1, and seconds.",
        time_verbs::status,
    ),
    timed("/transport/play", "", "The beat clock runs on, after the count-in; what stood in a pause sounds on.", time_verbs::play),
    timed(
        "/transport/pause",
        "",
        "The sound fades in 5 ms, then time stands; what comes meanwhile is heard when it goes on.",
        time_verbs::pause,
    ),
    timed("/transport/toggle", "", "Play or pause, whichever it is not.", time_verbs::toggle),
    timed("/transport/stop", "", "The beat clock halts and goes to beat 0; voices end as they would.", time_verbs::stop),
    timed(
        "/transport/locate",
        "place",
        "The beat clock goes to a beat counted from 0, to \"3:1\" (bar and beat from 1), or \"2 bars\", \"12.5 s\" from the beginning.",
        time_verbs::locate,
    ),
    timed(
        "/transport/arm",
        "[place]",
        "Halts at a place and makes ready: /ready place lead, when a bundle with /transport/play may start it, at least lead seconds ahead.",
        time_verbs::arm,
    ),
    timed("/transport/loop", "[start end | off]", "The beat clock goes round from one place to another; tells it.", time_verbs::cycle),
    timed("/transport/count-in", "[bars]", "Bars of clicks before it plays, 0 to 16; tells them.", time_verbs::count_in),
    timed("/clock/tempo", "[bpm]", "Sets the tempo, or tells it.", clock_verbs::tempo),
    timed("/clock/metre", "[steps of]", "Sets the metre from the next bar on, as 7 8 or \"7/8\", or tells it.", clock_verbs::metre),
    timed(
        "/clock/swing",
        "[share [step]]",
        "The first of each two steps of \"1/16\" (or \"1/8\") takes this share of both, 0.5 (even) to 0.8; tells it.",
        clock_verbs::swing,
    ),
    timed("/clock/tap", "", "Sets the tempo by the time from tap to tap, from the second on.", clock_verbs::tap),
    timed(
        "/clock/nudge",
        "ms",
        "The beat comes earlier by so much, or later (below 0), a little faster or slower until then.",
        clock_verbs::nudge,
    ),
    timed("/clock/metronome", "[level]", "Clicks on each beat, 0 (silent) to 1; tells the level.", clock_verbs::metronome),
    timed("/setcps", "cycles", "Sets the tempo as Tidal does: cycles of four beats a second.", clock_verbs::cycles),
    direct(
        "/clock/source",
        "[internal | osc | link | midi [port]]",
        "The beat clock is its own, or follows /clock, a session of Ableton Link, or the MIDI clock of the first port with this in its name, or of any; tells which.",
        midi_clock::source,
    ),
    timed("/clock", "beat", "It is this beat at the message's time: the beat clock follows, where /clock/source is osc.", osc_clock::tick),
    direct("/midi/ends", "[0 | 1]", "A note-off goes out by MIDI when the sound of a key has ended, or not; tells it.", time_verbs::ends),
    elsewhere(
        "/record/start",
        "path [wav | flac] [bits [channels [buffers]]] [master | input | slot]…",
        "Records from its time on, to the sample, into a new file: WAV in 32-bit float of the master, if nothing else is said; of several sources, their channels side by side. Keys may be named: format, bits, channels, buffers, source. /done with the file when it runs; /record/done path frames lost at its end, /record/error path why if something is wrong.",
    ),
    elsewhere("/record/stop", "[path]", "Ends a recording, or all, at its time, to the sample; answers with how many."),
    elsewhere("/record/list", "", "Answers with path, frames and frames lost of each recording that runs."),
    elsewhere(
        "/devices",
        "",
        "Answers with each sound device and way: its name for --device and --input-device, keys and values; then /done. It may take seconds.",
    ),
    timed("/sync", "[id]", "Answers /synced id when all that this kind of client sent before has been applied.", engine_verbs::sync),
    timed(
        "/clear",
        "[address | all] [all]",
        "Takes back what waits for its time: this client's; what is meant for an address, a pattern or all below a path; with all everybody's, and then what the engine already holds. Ends of notes stay.",
        clear::clear,
    ),
    direct(
        "/ping",
        "[time [round trip]] | [anything]…",
        "Answers /pong with the same arguments. A time tag first, by the client's clock: adds ours, and reads its tags by its clock; a round trip in s makes that exact.",
        engine_verbs::ping,
    ),
    direct(
        "/hello",
        "[key value]…",
        "Says how this client wants to be treated: late run, drop or truncate; jitter in ms; clock own, ping, tags or auto; lease in s; name; port at which it is answered; cookie as it was answered. Answers with name, version and cookie.",
        peers::hello,
    ),
    direct(
        "/sub",
        "path [Hz [lease]]",
        "Tells this client where everything below a path stands, then each change that others make, so many times a second (30), for so many seconds (60 by UDP). /meter: peaks and means; /beat, /note/ended, /changed: what happens.",
        subscribe::sub,
    ),
    direct(
        "/dumpOSC",
        "0 | 1 | 2 [path]",
        "Tells this client each message that comes in from anyone, as /dump from address values…; 2 tells what is refused too, 0 ends it.",
        dump::dump,
    ),
    direct("/unsub", "[path]", "Ends one subscription of this client, or all.", subscribe::unsub),
    direct(
        "/query",
        "[address [all]]",
        "Answers with what lies below an address, or with the unit and range of a value; all: with every address below, over several messages, then /done.",
        engine_verbs::query,
    ),
    direct("/engine/status", "", "Answers with names and numbers, one after another.", engine_verbs::status),
    direct(
        "/engine/load",
        "[reset]",
        "Answers with callbacks counted, shares of their time (1 is all of it) that half and 99 in 100 did not exceed, the greatest, then classes: where one ends, how many. reset: counts anew from then on.",
        engine_verbs::load,
    ),
    direct("/engine/quit", "", "Ends rackd; from this computer only.", engine_verbs::quit),
];

impl Verb {
    /// Its address as the reference gives it. `[control]`
    pub fn reference(&self) -> String {
        if self.address.starts_with('/') { self.address.to_owned() } else { format!("/<slot>/{}", self.address) }
    }
}

/// The verbs as a table in Markdown, those of slots first. `[control]`
pub fn markdown() -> String {
    let mut text = "| address | arguments | does |\n|---|---|---|\n".to_owned();
    for verb in SLOT_VERBS.iter().chain(VERBS) {
        let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) };
        text += &format!("| `{}` | {} | {} |\n", verb.reference(), code(verb.arguments), verb.does.replace('|', "\\|"));
    }
    text
}
