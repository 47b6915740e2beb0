//! What no cable can drive: choices, sizes, lists.

/// What a setting may hold.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// Lowest.
        min: i64,
        /// Highest.
        max: i64,
        /// Where nothing is written.
        default: i64,
    },
    /// A number; a change rebuilds the module.
    Number {
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
        /// Where nothing is written.
        default: f64,
    },
    /// Pitches (note names, intervals, Hz) or `"-"` for a rest, 1 to 64 of them; live: a kernel sees changes at once.
    /// A kernel reads octaves above C4, a rest as NaN.
    Pitches(&'static [f32]),
    /// Plain numbers, 1 to 64 of them; live.
    Numbers(&'static [f32]),
    /// The name of something outside the patch, as [`is_outer_name`] wants it; this where nothing is written.
    Name(&'static str),
}

/// One setting of a module.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Place in the module's list, from 0.
    pub index: usize,
    /// As it is written in patches and addresses.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// What it may hold.
    pub kind: SettingKind,
}

/// Entries of a list setting at most.
pub const LIST_MAX: usize = 64;

impl Setting {
    /// One of some words; the first is the default.
    pub const fn choice(index: usize, name: &'static str, words: &'static [&'static str], doc: &'static str) -> Self {
        assert!(!words.is_empty(), "a choice needs words");
        Self { index, name, doc, kind: SettingKind::Choice(words) }
    }

    /// A whole number.
    pub const fn integer(index: usize, name: &'static str, min: i64, max: i64, default: i64, doc: &'static str) -> Self {
        assert!(min <= default && default <= max, "a setting's default lies outside its range");
        Self { index, name, doc, kind: SettingKind::Integer { min, max, default } }
    }

    /// A number.
    pub const fn number(index: usize, name: &'static str, min: f64, max: f64, default: f64, doc: &'static str) -> Self {
        assert!(min <= default && default <= max, "a setting's default lies outside its range");
        Self { index, name, doc, kind: SettingKind::Number { min, max, default } }
    }

    /// A live list of pitches.
    pub const fn pitches(index: usize, name: &'static str, default: &'static [f32], doc: &'static str) -> Self {
        Self { index, name, doc, kind: SettingKind::Pitches(default) }
    }

    /// A live list of numbers.
    pub const fn numbers(index: usize, name: &'static str, default: &'static [f32], doc: &'static str) -> Self {
        Self { index, name, doc, kind: SettingKind::Numbers(default) }
    }

    /// The name of something outside the patch.
    pub const fn name(index: usize, name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { index, name, doc, kind: SettingKind::Name(default) }
    }

    /// Whether it is a live list. `[any]`
    pub const fn is_list(&self) -> bool {
        matches!(self.kind, SettingKind::Pitches(_) | SettingKind::Numbers(_))
    }

    /// What it holds where nothing is written. `[control]`
    pub fn default_value(&self) -> SettingValue {
        match self.kind {
            SettingKind::Choice(_) => SettingValue::Choice(0),
            SettingKind::Integer { default, .. } => SettingValue::Integer(default),
            SettingKind::Number { default, .. } => SettingValue::Number(default),
            SettingKind::Pitches(list) | SettingKind::Numbers(list) => SettingValue::List(list.to_vec()),
            SettingKind::Name(name) => SettingValue::Name(name.to_owned()),
        }
    }
}

/// What a setting holds in one module of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// Index into the words.
    Choice(usize),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A list; rests are NaN.
    List(Vec<f32>),
    /// The name of something outside the patch.
    Name(String),
}

/// The settings of one module, in the order of their declaration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub Vec<SettingValue>);

impl Settings {
    /// All as where nothing is written. `[control]`
    pub fn defaults(settings: &[Setting]) -> Self {
        Self(settings.iter().map(Setting::default_value).collect())
    }

    /// Index of the chosen word; 0 where the setting is no choice. `[control]`
    pub fn choice(&self, setting: Setting) -> usize {
        match self.0.get(setting.index) {
            Some(SettingValue::Choice(index)) => *index,
            _ => 0,
        }
    }

    /// The whole number; 0 where the setting is none. `[control]`
    pub fn integer(&self, setting: Setting) -> i64 {
        match self.0.get(setting.index) {
            Some(SettingValue::Integer(number)) => *number,
            _ => 0,
        }
    }

    /// The name; empty where the setting is none. `[control]`
    pub fn name(&self, setting: Setting) -> &str {
        match self.0.get(setting.index) {
            Some(SettingValue::Name(name)) => name,
            _ => "",
        }
    }

    /// The number; 0 where the setting is none. `[control]`
    pub fn number(&self, setting: Setting) -> f64 {
        match self.0.get(setting.index) {
            Some(SettingValue::Number(number)) => *number,
            _ => 0.0,
        }
    }
}
