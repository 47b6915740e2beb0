//! Which ports are open, and which are to be.

use std::any::Any;
use std::collections::HashMap;

use super::ports::{PortId, Wanted};
use super::registry::Desk;

/// A port that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The system's own mark for it, while it is there.
    pub id: String,
    /// Its name, which it has again when it comes back.
    pub name: String,
}

/// Where ports are found and opened.
pub(super) trait Source {
    /// The ports that are there.
    fn list(&mut self) -> Result<Vec<Found>, String>;
    /// Opens one: messages go to the desk until what is given back is dropped.
    fn open(&mut self, id: &str, port: PortId, desk: &Desk) -> Result<Box<dyn Any + Send>, String>;
    /// A port of our own that others connect to; `None` where the system has no such thing.
    fn open_own(&mut self, port: PortId, desk: &Desk) -> Option<Result<Box<dyn Any + Send>, String>>;
    /// The name of our own port.
    fn own_name(&self) -> String;
}

struct Open {
    port: PortId,
    name: String,
    place: usize,
    _connection: Box<dyn Any + Send>,
}

/// Keeps the open ports those that are wanted and there.
pub(super) struct Watch<S> {
    source: S,
    wanted: Wanted,
    desk: Desk,
    open: HashMap<String, Open>,
    own: Option<(PortId, Box<dyn Any + Send>)>,
    own_tried: bool,
    /// What was told of each port that could not be opened, and of the system as a whole under the empty name.
    told: HashMap<String, String>,
}

impl<S: Source> Watch<S> {
    /// Nothing open yet. `[control]`
    pub fn new(source: S, wanted: Wanted, desk: Desk) -> Self {
        Self { source, wanted, desk, open: HashMap::new(), own: None, own_tried: false, told: HashMap::new() }
    }

    /// Looks once: closes what is gone, opens what has come; whether the system answers. `[control]`
    pub fn look(&mut self) -> bool {
        let found = match self.source.list() {
            Ok(found) => found,
            Err(why) => {
                self.lose(|_| true);
                self.trouble("", why);
                return false;
            }
        };
        self.told.remove("");
        self.lose(|id| !found.iter().any(|found| found.id == *id));
        self.told.retain(|id, _| found.iter().any(|found| found.id == *id));
        for Found { id, name } in found {
            if self.open.contains_key(&id) || !self.wanted.has(&name) {
                continue;
            }
            let taken = |place: &usize| self.open.values().any(|open| open.name == name && open.place == *place);
            let place = (0..).find(|place| !taken(place)).unwrap_or(0);
            let port = self.desk.came(&name, place);
            match self.source.open(&id, port, &self.desk) {
                Ok(connection) => {
                    self.told.remove(&id);
                    self.open.insert(id, Open { port, name, place, _connection: connection });
                }
                Err(why) => {
                    self.desk.gone(port);
                    self.trouble(&id, format!("{name}: {why}"));
                }
            }
        }
        if !self.own_tried {
            self.own_tried = true;
            self.open_own();
        }
        true
    }

    /// Closes everything. `[control]`
    pub fn close(&mut self) {
        self.lose(|_| true);
        if let Some((port, connection)) = self.own.take() {
            drop(connection);
            self.desk.gone(port);
        }
    }

    fn open_own(&mut self) {
        let port = self.desk.came(&self.source.own_name(), 0);
        match self.source.open_own(port, &self.desk) {
            Some(Ok(connection)) => self.own = Some((port, connection)),
            Some(Err(why)) => {
                self.desk.gone(port);
                self.trouble("own", why);
            }
            None => self.desk.gone(port),
        }
    }

    /// Closes those, then says that they are gone: in this order, so that nothing comes from a port that is gone.
    fn lose(&mut self, is_gone: impl Fn(&String) -> bool) {
        let gone: Vec<String> = self.open.keys().filter(|id| is_gone(id)).cloned().collect();
        for id in gone {
            if let Some(open) = self.open.remove(&id) {
                let port = open.port;
                drop(open);
                self.desk.gone(port);
            }
        }
    }

    fn trouble(&mut self, id: &str, why: String) {
        if self.told.get(id) != Some(&why) {
            self.told.insert(id.to_owned(), why.clone());
            self.desk.trouble(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser::Heard;
    use super::super::ports::{At, PortEvent};
    use super::*;
    use crate::base::midi::MidiMessage;
    use std::sync::{Arc, Mutex};

    #[derive(Clone)]
    struct Cables {
        there: Arc<Mutex<Result<Vec<Found>, String>>>,
        connected: Arc<Mutex<Vec<(String, PortId, Desk)>>>,
    }

    struct Connection(Cables, String);

    impl Drop for Connection {
        fn drop(&mut self) {
            self.0.connected.lock().unwrap().retain(|(id, ..)| *id != self.1);
        }
    }

    impl Cables {
        fn plug(&self, ports: &[(&str, &str)]) {
            *self.there.lock().unwrap() = Ok(ports.iter().map(|(id, name)| Found { id: (*id).into(), name: (*name).into() }).collect());
        }

        fn play(&self, id: &str, key: u8) {
            let connected = self.connected.lock().unwrap();
            let (_, port, desk) = connected.iter().find(|(connected, ..)| connected == id).unwrap();
            desk.heard(*port, Heard::Message(MidiMessage::NoteOn { channel: 0, key, velocity: 1 }), At::Wall(0));
        }
    }

    impl Source for Cables {
        fn list(&mut self) -> Result<Vec<Found>, String> {
            self.there.lock().unwrap().clone()
        }
        fn open(&mut self, id: &str, port: PortId, desk: &Desk) -> Result<Box<dyn Any + Send>, String> {
            if id.starts_with("busy") {
                return Err("in use".into());
            }
            self.connected.lock().unwrap().push((id.to_owned(), port, desk.clone()));
            Ok(Box::new(Connection(self.clone(), id.to_owned())))
        }
        fn open_own(&mut self, _: PortId, _: &Desk) -> Option<Result<Box<dyn Any + Send>, String>> {
            None
        }
        fn own_name(&self) -> String {
            "own".into()
        }
    }

    fn watch(wanted: Wanted) -> (Cables, Watch<Cables>, Arc<Mutex<Vec<PortEvent>>>) {
        let cables = Cables { there: Arc::new(Mutex::new(Ok(Vec::new()))), connected: Arc::default() };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let desk = Desk::new(Box::new(move |event| kept.lock().unwrap().push(event)));
        let mut watch = Watch::new(cables.clone(), wanted, desk);
        watch.look();
        heard.lock().unwrap().clear(); // the own port
        (cables, watch, heard)
    }

    fn take(heard: &Arc<Mutex<Vec<PortEvent>>>) -> Vec<PortEvent> {
        std::mem::take(&mut heard.lock().unwrap())
    }

    #[test]
    fn a_keyboard_that_is_plugged_in_again_is_the_same_port() {
        let (cables, mut watch, heard) = watch(Wanted::All);
        cables.plug(&[("20:0", "Keystation"), ("24:0", "Pads")]);
        watch.look();
        watch.look();
        let came = take(&heard);
        let [PortEvent::Came { port: keys, .. }, PortEvent::Came { port: pads, .. }] = came[..] else { panic!("{came:?}") };
        cables.play("20:0", 60);
        let note = MidiMessage::NoteOn { channel: 0, key: 60, velocity: 1 };
        assert_eq!(take(&heard), [PortEvent::Message { port: keys, message: note, at: At::Wall(0) }]);

        cables.plug(&[("24:0", "Pads")]);
        watch.look();
        assert_eq!(take(&heard), [PortEvent::Gone { port: keys }], "its notes can be released");
        assert_eq!(cables.connected.lock().unwrap().len(), 1);

        cables.plug(&[("24:0", "Pads"), ("31:0", "Keystation")]);
        watch.look();
        assert_eq!(take(&heard), [PortEvent::Came { port: keys, name: "Keystation".into() }], "under another mark, with the same number");
        cables.play("31:0", 60);
        assert_eq!(take(&heard), [PortEvent::Message { port: keys, message: note, at: At::Wall(0) }]);
        watch.close();
        assert!(take(&heard).contains(&PortEvent::Gone { port: pads }));
        assert!(cables.connected.lock().unwrap().is_empty());
    }

    #[test]
    fn two_of_the_same_name_are_two_ports() {
        let (cables, mut watch, heard) = watch(Wanted::All);
        cables.plug(&[("20:0", "nano"), ("21:0", "nano")]);
        watch.look();
        let ports: Vec<PortId> =
            take(&heard).into_iter().filter_map(|event| if let PortEvent::Came { port, .. } = event { Some(port) } else { None }).collect();
        assert_eq!(ports.len(), 2);
        assert_ne!(ports[0], ports[1]);
        cables.plug(&[("21:0", "nano")]);
        watch.look();
        cables.plug(&[("21:0", "nano"), ("22:0", "nano")]);
        watch.look();
        assert_eq!(take(&heard), [PortEvent::Gone { port: ports[0] }, PortEvent::Came { port: ports[0], name: "nano".into() }]);
    }

    #[test]
    fn only_what_is_wanted_is_opened() {
        let (cables, mut watch, heard) = watch(Wanted::from_names(&["KEY".to_owned()]));
        cables.plug(&[("20:0", "Keystation"), ("24:0", "Pads")]);
        watch.look();
        let heard = take(&heard);
        assert!(matches!(&heard[..], [PortEvent::Came { name, .. }] if name == "Keystation"), "{heard:?}");
    }

    #[test]
    fn trouble_is_told_once_and_a_dead_system_takes_its_ports_along() {
        let (cables, mut watch, heard) = watch(Wanted::All);
        cables.plug(&[("busy:1", "Pads"), ("20:0", "Keys")]);
        watch.look();
        watch.look();
        let troubles = |events: &[PortEvent]| events.iter().filter(|event| matches!(event, PortEvent::Trouble(_))).count();
        let first = take(&heard);
        assert_eq!(troubles(&first), 1);
        assert!(first.contains(&PortEvent::Trouble("Pads: in use".into())));
        *cables.there.lock().unwrap() = Err("no MIDI here".into());
        watch.look();
        watch.look();
        let dead = take(&heard);
        assert!(matches!(&dead[..], [PortEvent::Gone { .. }, PortEvent::Trouble(why)] if why == "no MIDI here"), "{dead:?}");
        cables.plug(&[("20:0", "Keys")]);
        watch.look();
        assert!(matches!(take(&heard)[..], [PortEvent::Came { .. }]));
    }

    #[test]
    fn what_stands_after_midi() {
        let names = |names: &[&str]| Wanted::from_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&[]), Wanted::All);
        assert_eq!(names(&["none"]), Wanted::Own);
        assert!(names(&["Pads"]).has("my pads 1") && !names(&["Pads"]).has("keys"));
        assert!(!Wanted::Own.has("keys") && Wanted::All.has("keys"));
    }
}
