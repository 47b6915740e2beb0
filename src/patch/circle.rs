//! Slots that feed each other in a circle: a mistake, since none of them could run first.

use super::rack::{Route, SlotOut};

/// A circle among slots that feed one another by `out` or by a send: the names along it, the first once more at the end. Names that no
/// slot has are passed over. `[control]`
pub fn circle<'a>(slots: &[(&'a str, &'a Route)]) -> Option<Vec<&'a str>> {
    let mut path: Vec<usize> = Vec::new();
    // Slots from which no circle is reached.
    let mut clear = vec![false; slots.len()];
    (0..slots.len()).find_map(|start| visit(slots, start, &mut path, &mut clear))
}

/// The names of the slots that a route feeds: by its sends, then by `out`. `[control]`
pub fn fed(route: &Route) -> impl Iterator<Item = &str> {
    let out = match &route.out {
        SlotOut::Slot(name) => Some(name.as_str()),
        SlotOut::Master | SlotOut::Channels(_) => None,
    };
    route.sends.iter().map(|send| send.to.as_str()).chain(out)
}

fn visit<'a>(slots: &[(&'a str, &'a Route)], at: usize, path: &mut Vec<usize>, clear: &mut [bool]) -> Option<Vec<&'a str>> {
    if let Some(from) = path.iter().position(|before| *before == at) {
        return Some(path[from..].iter().chain([&at]).map(|slot| slots[*slot].0).collect());
    }
    if clear[at] {
        return None;
    }
    path.push(at);
    for name in fed(slots[at].1) {
        let to = slots.iter().position(|(of, _)| *of == name);
        if let Some(found) = to.and_then(|to| visit(slots, to, path, clear)) {
            return Some(found);
        }
    }
    path.pop();
    clear[at] = true;
    None
}

#[cfg(test)]
mod tests {
    use super::super::rack::SendSpec;
    use super::*;

    fn route(out: &str, sends: &[&str]) -> Route {
        let out = if out.is_empty() { SlotOut::Master } else { SlotOut::Slot(out.to_owned()) };
        Route { out, sends: sends.iter().map(|to| SendSpec { to: (*to).to_owned(), level: -12.0, pre: false }).collect() }
    }

    #[test]
    fn a_circle_is_told_by_the_names_along_it() {
        let (bass, hall, echo) = (route("", &["hall"]), route("echo", &[]), route("", &["hall", "nowhere"]));
        let slots = [("bass", &bass), ("hall", &hall), ("echo", &echo)];
        assert_eq!(circle(&slots), Some(vec!["hall", "echo", "hall"]));
        let own = route("", &["self"]);
        assert_eq!(circle(&[("self", &own)]), Some(vec!["self", "self"]));
    }

    #[test]
    fn many_ways_to_one_place_are_no_circle() {
        let routes: Vec<Route> = (0..64).map(|at| route("", &[&format!("s{}", at + 1), &format!("s{}", at + 2)])).collect();
        let names: Vec<String> = (0..64).map(|at| format!("s{at}")).collect();
        let slots: Vec<(&str, &Route)> = names.iter().map(String::as_str).zip(&routes).collect();
        assert_eq!(circle(&slots), None);
    }
}
