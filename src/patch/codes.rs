//! Every mistake that a patch or a rack can hold: its stable code, what it is, what to do.
//!
//! `tests/patch/mistakes/<code>.toml` shows each, the `.txt` beside it how it is told.

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As it is shown: `error[unknown-name]`. Never changes its meaning.
    pub id: &'static str,
    /// What is wrong, in one sentence.
    pub summary: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $summary:literal $advice:literal)*) => {
        $(#[doc = $summary] pub const $name: &str = $id;)*

        /// All of them, in the order in which a reader of the language meets them.
        pub static CODES: &[Code] = &[$(Code { id: $id, summary: $summary, advice: $advice },)*];
    };
}

codes! {
    TOO_BIG "too-big" "The file is larger than 1 MiB." "A patch is a short text: name a sound file in it instead of writing its numbers."
    NOT_TEXT "not-text" "The file is not UTF-8 text." "Save it as UTF-8; a sound or a program is not a patch."
    EMPTY_FILE "empty-file" "The file holds nothing." "Write at least a module and `[out]`."
    TOML_SYNTAX "toml-syntax" "The file is not TOML here." "Close what was opened, put text into quotes, write `key = value`."
    DUPLICATE_KEY "duplicate-key" "A key or table stands twice." "Keep one of them."
    TOO_MANY "too-many" "There are more mistakes than are shown." "Mend those shown first."
    UNKNOWN_KEY "unknown-key" "Nothing of this name belongs here." "Use the nearest right name, or remove it."
    WRONG_TYPE "wrong-type" "A value is of the wrong kind." "Write text in quotes, a number, true or false, a list, as asked."
    MISSING_KEY "missing-key" "Something that must be said is missing." "Add the key."
    BAD_FORMAT "bad-format" "The file is of a format that this version does not read." "Write `format = 1`, or use a newer rackd."
    NOT_SUPPORTED "not-supported" "This part of the language is not read by this version." "Do without it, or use a newer rackd."
    NO_OUT "no-out" "Nothing leads out of the patch." "Add `[out]` with `in = \"…\"`."
    OUT_OF_RANGE "out-of-range" "A number lies outside its range." "Stay inside the range that is told."
    UNKNOWN_CHOICE "unknown-choice" "A setting does not know this word." "Use one of the words that are told."
    BAD_NAME "bad-name" "A name has letters that names do not have." "Small letters, digits and `_`, beginning with a letter."
    RESERVED_NAME "reserved-name" "A name has a meaning of its own." "Choose another."
    NAME_TAKEN "name-taken" "Two modules or controls have the same name." "Modules, voice and global, and controls share their names: rename one."
    NO_TYPE "no-type" "A module does not say what it is." "Add `type = \"…\"`; `rackd modules` lists them."
    UNKNOWN_TYPE "unknown-type" "There is no module of this type." "`rackd modules` lists them."
    GLOBAL_ONLY "global-only" "A module that exists once for the patch stands in [voice.*]." "Move it to `[global.…]`."
    VOICE_WITHOUT_NOTE "voice-without-note" "There are voices, but no `[note]` that says how notes become voices." "Add `[note]`, or make the modules global."
    UNKNOWN_INPUT "unknown-input" "A module has no such input or setting." "Use the nearest right name; `rackd modules <type>` lists them."
    LIST_LENGTH "list-length" "A list has too few or too many entries." "1 to 64 entries."
    BAD_TUNING "bad-tuning" "A tuning cannot be used." "A .scl file, or intervals: ratios such as 3/2, or cents; the key whose frequency is given must play."
    BAD_VALUE "bad-value" "A text cannot be read as a value." "A number with or without a unit, a note name, a musical time."
    BAD_CHARACTER "bad-character" "A character has no meaning in an expression." "Expressions are made of names, numbers, `+ - * ( )`."
    EXPECTED_TERM "expected-term" "A number, a name or `(` is missing." "Complete the expression, or remove the operator."
    EXPECTED_OPERATOR "expected-operator" "Two things stand side by side." "Put `+` or `*` between them."
    PARENTHESIS "parenthesis" "A parenthesis has no partner." "Close it, or remove it."
    TOO_DEEP "too-deep" "Parentheses stand more than 32 deep." "Use a module of its own for a part of the sum."
    DIVISION "division" "There is no division." "Multiply by the reciprocal: `* 0.5`."
    SIGN "sign" "A sign stands before something that is no number." "Write `* -1`."
    BAD_NUMBER "bad-number" "A number is malformed or too large." "Digits, a point, digits: `0.25`."
    UNKNOWN_UNIT "unknown-unit" "There is no such unit." "Units are Hz kHz bpm oct st ct 3:2 s ms us bars beats 1/8 dB % deg."
    BAD_NOTE_NAME "bad-note-name" "This is no note name." "A capital from A to G, # or b, the octave: `F#3`."
    NOT_FINITE "not-finite" "A number is infinite or none at all." "Write a finite number."
    UNKNOWN_NAME "unknown-name" "No module or control has this name." "Use the nearest right name, or add the module or control."
    UNKNOWN_OUTPUT "unknown-output" "A module has no such output." "Use one of its outputs; `rackd modules <type>` lists them."
    NO_OUTPUT "no-output" "A module without outputs is used as a source." "Use another module."
    NO_SIDE "no-side" "A mono cable has no sides." "Leave out `.left` or `.right`."
    NO_PARTS "no-parts" "A control is one number and has no parts." "Write its bare name."
    UNKNOWN_NOTE_SOURCE "unknown-note-source" "A note has no such value." "note.pitch gate trigger velocity lift pressure timbre volume bend pan random key."
    UNKNOWN_KEY_SOURCE "unknown-key-source" "The keyboard has no such value." "keys.gate, keys.pitch, keys.velocity, keys.36, keys.C2, keys.36.velocity."
    NO_INPUT "no-input" "`in` is used, but the patch takes no sound." "Add `[in]`."
    WRONG_UNIT "wrong-unit" "A number or control has a unit that does not fit." "Use a unit of what the input is measured in."
    NEEDS_UNIT "needs-unit" "A number beside other terms does not say its unit." "Write the unit: `800 Hz`, `250 ms`, `-6 dB`."
    TWO_FREQUENCIES "two-frequencies" "A sum holds two frequencies." "Keep one; move it with intervals such as `7 st`."
    NO_FREQUENCY "no-frequency" "A sum on a frequency input holds neither a frequency nor a pitch." "Add `note.pitch`, or a frequency such as `440 Hz`."
    FREQUENCY_IN_PRODUCT "frequency-in-product" "A frequency is multiplied or stands in parentheses." "Move it with an interval: `root + 7 st`."
    DECIBELS_TERM "decibels-term" "dB stand alone on an input that is not measured in dB." "A level in dB is a factor: multiply a signal by it."
    UNIT_TWICE "unit-twice" "A product holds two units." "One factor carries the unit, the others are plain."
    MUSICAL_TIME "musical-time" "A musical time stands where it cannot follow the tempo." "Let it stand alone, or add intervals or other musical times to it."
    MIXED_CONTROL "mixed-control" "A control of musical time is used as a length and as a rate." "Make two controls of it."
    SAME_SOURCES "same-sources" "The same sources stand twice in a sum." "Add up their numbers: `osc * 0.5`."
    VOICE_TO_GLOBAL "voice-to-global" "A voice's signal drives something that exists once for the patch." "Voices are summed on audio inputs only; `keys.…` is the keyboard as a whole."
    PLAYS_ITSELF "plays-itself" "What plays the notes hears the voices." "Take gate, pitch and velocity of [note] from modules that the voices do not reach."
    KNOBS_ONLY "knobs-only" "A signal drives what only a knob can turn." "Only numbers and controls can stand there."
    CONTROL_RANGE "control-range" "The range of a control is empty, or its default lies outside." "min < max, and the default between them."
    BAD_CURVE "bad-curve" "A curve is unknown or does not fit the range." "\"linear\", \"log\" (only where the range does not hold 0), or an exponent above 0."
    BAD_MAP_SOURCE "bad-map-source" "A map listens to something unknown." "cc 1, nrpn 300, bend, pressure, note 36, each with ` ch 2`, or an OSC address."
    TAKEN_ADDRESS "taken-address" "A map listens to an address that means something else." "Begin it with another word, such as /1/fader1."
    UNKNOWN_TARGET "unknown-target" "A map turns something that is not there." "A control, module.input, module.setting, or module.input.sources."
    MAP_CONTRADICTS "map-contradicts" "Keys of a map do not go together." "Keep one of `relative`, `toggle` and `pickup`; `step` belongs to `relative`."
    RACK_HERE "rack-here" "A rack stands where one patch is wanted." "Play the rack, or name the patch of one of its slots."
    NO_SLOTS "no-slots" "A rack has no `[slots]`." "Add `[slots.bass]` with `patch = \"bass.toml\"`, or read the file as a patch."
    TOO_MANY_SLOTS "too-many-slots" "A rack has more than 64 slots." "Make two racks of it."
    UNKNOWN_SLOT "unknown-slot" "The rack has no slot of this name." "Use the nearest right name, or add the slot."
    SEND_CIRCLE "send-circle" "A slot hears itself, by way of sends and outs." "Take one of the sends away; feedback lives inside a patch."
    NO_EFFECT "no-effect" "Sound goes to a slot whose patch has no `[in]`." "Send to an effect, or add `[in]` to that patch."
    KEY_RANGE "key-range" "A range of keys or velocities is malformed or goes backward." "keys = \"C1..B3\", \"36..59\" or \"C4\"; velocity = \"1..80\"."
    TYPE_AND_INCLUDE "type-and-include" "A module has a `type` and an `include`." "Keep one of them."
    INCLUDE_WRONG "include-wrong" "An included patch has mistakes." "They are told beside it, each in its own file."
    INCLUDE_CIRCLE "include-circle" "A file includes itself, by way of others." "Take one of the includes away."
    INCLUDE_LIMIT "include-limit" "Includes stand too deep, or bring too much." "At most 8 deep and 1,000 modules in all."
    INCLUDE_NOTES "include-notes" "A patch that plays notes is included in [global.*]." "Include it in `[voice.…]`."
    NO_FILE "no-file" "A file that is named cannot be read." "Correct the name; it is relative to the file that names it."
    BAD_PATH "bad-path" "A path is not relative to the file that names it." "Paths are relative, with `/` between folders, such as `bass/acid.toml`."
    BAD_MAP_RANGE "bad-map-range" "The range of a map cannot be used." "from = [0, 127]; min and max in the target's unit."
}

/// What a code means. `[control]`
pub fn find(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id == id)
}
