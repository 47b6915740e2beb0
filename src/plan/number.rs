//! Numbers that stay: what goes on from one plan into the next keeps its place, so that whole stores go over by one exchange.
//!
//! A store is a list of what a plan keeps of its kernels, sums, knobs and so on, by number. The new plan brings stores in which everything
//! is as if newly made. Where most goes on, the old plan's store goes on as it is and only the others are exchanged; where little does, the
//! new store is used and what goes on is put in. So an exchange costs as much as has changed, whatever the size.

/// The number of each thing of a plan.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// By the order in which they were found.
    pub of: Vec<u32>,
    /// Numbers there are; some may be nobody's.
    pub count: usize,
    /// Places that are set aside, so that a later plan with more finds room.
    pub room: usize,
}

/// How a store goes on from the one before.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The old store goes on whole, but for [`Self::others`]; it must have this length.
    whole: Option<usize>,
    /// The numbers of what does not go on, ascending.
    others: Vec<u32>,
    /// Where not whole: old number, new number of what goes on, ascending.
    pairs: Vec<(u32, u32)>,
}

/// What a store with so many numbers sets aside: as long as a patch grows by less, what was there stays where it is.
fn room_for(count: usize) -> usize {
    count + count / 4 + 8
}

impl Numbers {
    /// In order. `[control]`
    pub fn in_order(count: usize) -> Self {
        Self { of: (0..count as u32).collect(), count, room: room_for(count) }
    }

    /// What was before keeps its number; `was` gives the old number of each thing, if it goes on; `old` is the store before: numbers and
    /// room. New ones fill what is free. `[control]`
    pub fn that_stay(was: &[Option<u32>], old: (usize, usize)) -> (Self, Exchange) {
        let (old_count, old_room) = old;
        let carried = was.iter().flatten().count();
        let count = was.len().max(old_count);
        if count - was.len() > was.len() {
            // More than half would be nobody's.
            let mut pairs: Vec<(u32, u32)> = was.iter().enumerate().filter_map(|(new, old)| old.map(|old| (old, new as u32))).collect();
            pairs.sort_unstable();
            return (Self::in_order(was.len()), Exchange { pairs, ..Exchange::default() });
        }
        let mut stays = vec![false; count];
        was.iter().flatten().for_each(|old| stays[*old as usize] = true);
        let mut free = (0..count as u32).filter(|number| !stays[*number as usize]);
        let of: Vec<u32> = was.iter().map(|old| old.unwrap_or_else(|| free.next().expect("there are as many numbers as things"))).collect();
        let whole = count <= old_room && count - carried <= carried;
        let exchange = if whole {
            let others = (0..count as u32).filter(|number| !stays[*number as usize]).collect();
            Exchange { whole: Some(old_count), others, pairs: Vec::new() }
        } else {
            let pairs = (0..count as u32).filter(|number| stays[*number as usize]).map(|number| (number, number)).collect();
            Exchange { whole: None, others: Vec::new(), pairs }
        };
        let room = if whole { old_room } else { room_for(count) };
        (Self { of, count, room }, exchange)
    }

    /// A store that is still empty, with its room. `[control]`
    pub fn empty<T>(&self) -> Vec<T> {
        Vec::with_capacity(self.room.max(self.count))
    }

    /// A store of these things at their numbers, with what stands where nobody's number is. `[control]`
    pub fn store<T>(&self, things: impl IntoIterator<Item = T>, mut nobody: impl FnMut() -> T) -> Vec<T> {
        let mut store = self.empty();
        if self.of.len() == self.count && self.of.is_sorted() {
            store.extend(things);
        } else {
            store.extend((0..self.count).map(|_| nobody()));
            for (number, thing) in self.of.iter().zip(things) {
                store[*number as usize] = thing;
            }
        }
        store
    }
}

impl Exchange {
    /// A store of so many goes on whole, but for some. `[control]`
    pub fn but(count: usize, others: Vec<u32>) -> Self {
        Self { whole: Some(count), others, pairs: Vec::new() }
    }

    /// Whether a number of the new plan goes on from the old one, where the store goes on whole. `[audio]`
    pub fn goes_on(&self, number: u32) -> bool {
        self.whole.is_some_and(|length| (number as usize) < length) && self.others.binary_search(&number).is_err()
    }

    /// Whether the old store goes on as it is, but for those that do not go on. `[audio]`
    pub fn whole(&self) -> bool {
        self.whole.is_some()
    }

    /// The numbers of what does not go on, where the store goes on whole. `[audio]`
    pub fn others(&self) -> &[u32] {
        &self.others
    }

    /// Old and new number of what goes on, where the store does not go on whole. `[audio]`
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    /// How many things it moves one by one. `[any]`
    pub fn work(&self) -> usize {
        self.others.len() + self.pairs.len()
    }

    /// Whether what has this number goes on under it. `[audio]`
    pub fn keeps(&self, number: u32) -> bool {
        self.goes_on(number) || self.pairs.contains(&(number, number))
    }

    /// Puts into the new plan's store what goes on from the old one's; whether the old one's store went on whole. `[audio]`
    pub fn make<T>(&self, mine: &mut Vec<T>, old: &mut Vec<T>) -> bool {
        self.make_by(mine, old, std::mem::swap)
    }

    /// The same, where the old store goes on whole and `renew` makes what stands in it for another as the new one beside it. `[audio]`
    pub fn make_by<T>(&self, mine: &mut Vec<T>, old: &mut Vec<T>, renew: impl Fn(&mut T, &mut T)) -> bool {
        if self.whole.is_some_and(|length| old.len() == length && old.capacity() >= mine.len()) {
            std::mem::swap(mine, old);
            for number in &self.others {
                if let (Some(mine), Some(new)) = (mine.get_mut(*number as usize), old.get_mut(*number as usize)) {
                    renew(mine, new);
                }
            }
            if let Some(more) = old.len().checked_sub(mine.len()) {
                let from = old.len() - more;
                mine.extend(old.drain(from..));
            }
            true
        } else if self.whole.is_some() {
            // There is less room than was reckoned with: one by one.
            for (number, (mine, old)) in mine.iter_mut().zip(old).enumerate() {
                if self.goes_on(number as u32) {
                    std::mem::swap(mine, old);
                }
            }
            false
        } else {
            for (from, to) in &self.pairs {
                if let (Some(old), Some(mine)) = (old.get_mut(*from as usize), mine.get_mut(*to as usize)) {
                    std::mem::swap(mine, old);
                }
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stores of words: `old` runs, `new` is what the next plan brings; gives what runs then.
    fn exchanged(old: &[&str], new: &[&str]) -> (Vec<String>, Numbers, Exchange) {
        let was: Vec<Option<u32>> = new.iter().map(|word| old.iter().position(|other| other == word).map(|at| at as u32)).collect();
        let before = Numbers::in_order(old.len());
        let (numbers, exchange) = Numbers::that_stay(&was, (before.count, before.room));
        let mut running = before.store(old.iter().map(|word| format!("old {word}")), String::new);
        let mut mine = numbers.store(new.iter().map(|word| format!("new {word}")), String::new);
        let capacity = running.capacity();
        exchange.make(&mut mine, &mut running);
        assert!(mine.len() <= capacity || !exchange.whole());
        (mine, numbers, exchange)
    }

    #[test]
    fn what_was_goes_on_and_what_is_new_is_new() {
        let words: Vec<String> = (0..40).map(|at| at.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (old, new) in [
            (&words[..20], words[..20].to_vec()),
            (&words[..20], words[1..19].to_vec()),
            (&words[..20], words[..30].to_vec()),
            (&words[..20], words[15..].to_vec()),
            (&words[..20], words[20..].to_vec()),
            (&words[..40], words[3..5].to_vec()),
            (&words[..20], words[..21].iter().rev().copied().collect()),
            (&words[..0], words[..3].to_vec()),
            (&words[..3], Vec::new()),
            (&words[..1], words[..40].to_vec()),
        ] {
            let (mine, numbers, exchange) = exchanged(old, &new);
            assert_eq!(mine.len(), numbers.count);
            for (word, number) in new.iter().zip(&numbers.of) {
                let age = if old.contains(word) { "old" } else { "new" };
                assert_eq!(mine[*number as usize], format!("{age} {word}"), "{old:?} then {new:?}");
                assert!(!exchange.whole() || exchange.goes_on(*number) == (age == "old"));
            }
        }
    }

    #[test]
    fn what_is_the_same_is_no_work() {
        let was: Vec<Option<u32>> = (0..1_000).map(Some).collect();
        let (numbers, exchange) = Numbers::that_stay(&was, (1_000, 1_500));
        assert!(exchange.whole() && exchange.others().is_empty() && exchange.pairs().is_empty());
        assert_eq!((numbers.count, numbers.room), (1_000, 1_500));
        // One that went leaves a place, which the next new one takes.
        let (numbers, exchange) = Numbers::that_stay(&was[1..], (1_000, 1_500));
        assert_eq!((numbers.count, exchange.others()), (1_000, &[0][..]));
        let mut more = was[1..].to_vec();
        more.push(None);
        let (numbers, exchange) = Numbers::that_stay(&more, (1_000, 1_500));
        assert_eq!((numbers.count, numbers.of[999], exchange.others()), (1_000, 0, &[0][..]));
    }
}
