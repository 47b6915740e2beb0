//! Sound from outside and to outside by name: whoever makes kernels and whoever serves streams meet here, off the audio thread.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use super::inflow::Inflow;
use super::outflow::Outflow;

/// What is heard of everything, which no module gives.
pub const MASTER: &str = "master";
/// Names on each side at most: each has a ring of its own.
pub const MOST: usize = 64;

#[derive(Debug, Default)]
struct Named {
    inflows: BTreeMap<String, Inflow>,
    outflows: BTreeMap<String, Outflow>,
    /// Gaps and frames of silence in flows that are no more.
    starved: (u64, u64),
}

/// All flows by name; a clone is the same. The default one leads nowhere: what is asked of it is silent.
#[derive(Clone, Debug, Default)]
pub struct Flows(Option<Arc<Mutex<Named>>>);

impl Flows {
    /// That lead nowhere.
    pub const NOWHERE: Self = Self(None);

    /// That can lead somewhere. `[control]`
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// What comes in under a name; made where nobody asked before. `None` where it leads nowhere, or there are [`MOST`] that are held.
    /// `[control]`
    pub fn inflow(&self, name: &str) -> Option<Inflow> {
        let mut named = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = named.inflows.get(name) {
            return Some(found.clone());
        }
        let Named { inflows, starved, .. } = &mut *named;
        // What nobody holds any more but this table.
        inflows.retain(|_, flow| {
            let held = !flow.is_idle();
            if !held {
                *starved = (starved.0 + flow.counts().underruns.load(Relaxed), starved.1 + flow.counts().starved.load(Relaxed));
            }
            held
        });
        if named.inflows.len() >= MOST {
            return None;
        }
        let flow = Inflow::new();
        named.inflows.insert(name.to_owned(), flow.clone());
        Some(flow)
    }

    /// What a module gives out under a name, in two channels; made where nobody asked before. `None` for [`MASTER`], where it leads nowhere,
    /// or there are [`MOST`] that are held. `[control]`
    pub fn outflow(&self, name: &str) -> Option<Outflow> {
        if name == MASTER { None } else { self.outflow_of(name, 2) }
    }

    /// What is heard of everything, in so many channels. `[control]`
    pub fn master(&self, channels: usize) -> Option<Outflow> {
        self.outflow_of(MASTER, channels)
    }

    fn outflow_of(&self, name: &str, channels: usize) -> Option<Outflow> {
        let mut named = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = named.outflows.get(name) {
            return Some(found.clone());
        }
        named.outflows.retain(|_, flow| !flow.is_idle());
        if named.outflows.len() >= MOST {
            return None;
        }
        let flow = Outflow::new(channels);
        named.outflows.insert(name.to_owned(), flow.clone());
        Some(flow)
    }

    /// What goes out under a name, where anything does. `[control]`
    pub fn find_outflow(&self, name: &str) -> Option<Outflow> {
        let named = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        named.outflows.get(name).cloned()
    }

    /// Every name under which anything goes out. `[control]`
    pub fn outflows(&self) -> Vec<String> {
        let Some(named) = &self.0 else { return Vec::new() };
        let named = named.lock().unwrap_or_else(PoisonError::into_inner);
        named.outflows.iter().filter(|(_, flow)| !flow.is_idle()).map(|(name, _)| name.clone()).collect()
    }

    /// How often nothing had come of all that came in so far, and how many frames are silence for that. `[control]`
    pub fn starved(&self) -> (u64, u64) {
        let Some(named) = &self.0 else { return (0, 0) };
        let named = named.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = named.inflows.values().map(|flow| (flow.counts().underruns.load(Relaxed), flow.counts().starved.load(Relaxed)));
        counts.fold(named.starved, |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    }

    /// Every name under which anything comes in or is awaited, with its flow. `[control]`
    pub fn inflows(&self) -> Vec<(String, Inflow)> {
        let Some(named) = &self.0 else { return Vec::new() };
        let named = named.lock().unwrap_or_else(PoisonError::into_inner);
        named.inflows.iter().filter(|(_, flow)| !flow.is_idle()).map(|(name, flow)| (name.clone(), flow.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_flow_for_as_long_as_anybody_holds_it() {
        let flows = Flows::new();
        let one = flows.inflow("mic").expect("there is room");
        let end = one.open(2, 64).expect("nobody holds it");
        assert!(flows.clone().inflow("mic").expect("the same").open(2, 64).is_none(), "the same end is held");
        drop(one);
        assert_eq!(flows.inflows().len(), 1, "its end is held");
        drop(end);
        assert!(flows.inflows().is_empty());
        let held: Vec<_> = (0..MOST).map(|number| flows.inflow(&number.to_string()).expect("there is room")).collect();
        assert!(flows.inflow("more").is_none());
        drop(held);
        assert!(flows.inflow("more").is_some(), "what nobody holds makes room");
        assert!(Flows::default().inflow("mic").is_none());
    }
}
