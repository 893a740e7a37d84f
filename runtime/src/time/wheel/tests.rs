//! The wheel against a list that is searched.

use super::*;

/// xorshift64*: the runs are the same every time.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number of any magnitude.
    fn any(&mut self) -> u64 {
        self.next() >> self.below(64)
    }
}

/// A wheel, and what ought to be in it.
struct Pair {
    wheel: Wheel,
    now: u64,
    expected: Vec<(u64, NonNull<Entry>)>,
}

impl Pair {
    fn new(shift: u32, now: u64) -> Self {
        let mut pair = Self { wheel: Wheel::new(shift), now: 0, expected: Vec::new() };
        pair.advance_to(now, usize::MAX);
        pair
    }

    fn insert(&mut self, deadline: u64) -> NonNull<Entry> {
        let entry = NonNull::from(Box::leak(Box::new(Entry::new())));
        // SAFETY: a new entry, which only this test touches, and which it frees when it is unlinked.
        unsafe { self.wheel.insert(entry, deadline) };
        self.expected.push((deadline, entry));
        entry
    }

    fn remove(&mut self, at: usize) {
        let (_, entry) = self.expected.swap_remove(at);
        // SAFETY: what is expected is linked.
        unsafe { self.wheel.remove(entry) };
        free(entry);
    }

    fn move_to(&mut self, at: usize, deadline: u64) {
        self.expected[at].0 = deadline;
        // SAFETY: what is expected is linked.
        unsafe { self.wheel.move_to(self.expected[at].1, deadline) };
    }

    /// What may be popped at `now`: a timer is due in the tick that begins at or after its deadline.
    fn is_due(&self, deadline: u64) -> bool {
        let tick = 1u128 << self.wheel.shift();
        deadline != NEVER && u128::from(deadline).div_ceil(tick) <= u128::from(self.now) / tick
    }

    fn advance_to(&mut self, now: u64, step: usize) -> usize {
        self.now = now;
        let mut count = 0;
        loop {
            let mut work = step;
            match self.wheel.pop_expired(now, &mut work) {
                Popped::Nothing => break,
                Popped::Paused => assert_eq!(work, 0),
                Popped::Expired(entry) => {
                    let at = self.expected.iter().position(|e| e.1 == entry);
                    let (deadline, _) = self.expected.swap_remove(at.expect("popped twice"));
                    assert!(deadline <= now && self.is_due(deadline), "{deadline} fired at {now}");
                    free(entry);
                    count += 1;
                }
            }
        }
        for (deadline, _) in &self.expected {
            assert!(!self.is_due(*deadline), "{deadline} did not fire at {now}");
        }
        self.check();
        assert!(self.wheel.next_ns() > now || self.wheel.next_ns() == NEVER);
        count
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.expected.len());
        let earliest = self.expected.iter().map(|e| e.0).min().unwrap_or(NEVER);
        let tick = 1u128 << self.wheel.shift();
        let latest = (u128::from(earliest).div_ceil(tick) * tick).max(u128::from(self.now));
        assert!(u128::from(self.wheel.next_ns()) <= latest, "looks too late for {earliest}");
        let occupied = self.wheel.slots.iter().take(NEVER_LEVEL * SLOTS).enumerate();
        for (i, slot) in occupied {
            let bit = self.wheel.occupied[i / SLOTS] >> (i % SLOTS) & 1;
            assert_eq!(slot.is_some(), bit == 1, "slot {i}");
        }
        for (i, level) in self.wheel.occupied.iter().enumerate() {
            assert_eq!(*level != 0, self.wheel.levels >> i & 1 == 1, "level {i}");
        }
        let mut never = 0;
        self.wheel.for_each_never(|entry| {
            never += 1;
            let (deadline, _) = self.expected.iter().find(|e| e.1 == entry).expect("it is linked");
            assert_eq!(self.wheel.tick_of(*deadline), None);
        });
        // One that was put off may still be elsewhere.
        assert!(self.wheel.first().is_some() || never == self.wheel.len());
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        while let Some((entry, deadline)) = self.wheel.pop_any() {
            let at = self.expected.iter().position(|e| *e == (deadline, entry));
            self.expected.swap_remove(at.expect("an entry nobody put in"));
            free(entry);
        }
        if !std::thread::panicking() {
            assert!(self.expected.is_empty());
            assert_eq!(self.wheel.next_ns(), NEVER);
        }
    }
}

fn free(entry: NonNull<Entry>) {
    // SAFETY: from `Box::leak` in `insert`, and unlinked.
    drop(unsafe { Box::from_raw(entry.as_ptr()) });
}

/// The corners of every level, in ticks of `shift`.
fn corners(shift: u32) -> Vec<u64> {
    let mut ticks = vec![0u64, 1, NEVER >> shift, (NEVER >> shift) - 1, (NEVER >> shift) - 64];
    for level in 1..MAX_LEVELS as u32 {
        if let Some(border) = 1u64.checked_shl(level * BITS).filter(|b| *b <= NEVER >> shift) {
            ticks.extend([border - 1, border, border + 1]);
            ticks.extend([border.saturating_mul(63), border.saturating_mul(64).saturating_sub(1)]);
        }
    }
    ticks.retain(|tick| *tick <= NEVER >> shift);
    ticks.iter().map(|tick| tick << shift).collect()
}

#[test]
fn m12_every_border_from_every_border_is_exact() {
    for shift in [COARSE, EXACT] {
        let corners = corners(shift);
        for &start in &corners {
            for &distance in &corners {
                for around in [0, 1, 65_535, 65_536] {
                    let deadline = start.checked_add(distance).and_then(|d| d.checked_add(around));
                    let Some(deadline) = deadline else { continue };
                    let mut pair = Pair::new(shift, start);
                    pair.insert(deadline);
                    let tick = 1u64 << shift;
                    let due = deadline.div_ceil(tick).checked_mul(tick).filter(|d| *d != NEVER);
                    let Some(due) = due else {
                        assert_eq!(pair.wheel.next_ns(), NEVER);
                        continue;
                    };
                    if due > start {
                        assert_eq!(pair.advance_to(due - 1, 1), 0);
                    }
                    assert_eq!(pair.advance_to(due.max(start), 1), 1);
                }
            }
        }
    }
}

#[test]
fn m12_random_operations_agree_with_a_list() {
    for shift in [COARSE, EXACT] {
        for (seed, start) in corners(shift).into_iter().enumerate() {
            let mut rng = Rng(seed as u64 + 1);
            let mut pair = Pair::new(shift, start);
            for _ in 0..3_000 {
                let some = rng.below(pair.expected.len().max(1) as u64) as usize;
                let near = pair.now.saturating_add(rng.any());
                match rng.below(8) {
                    0..=2 => drop(pair.insert(near)),
                    3 => drop(pair.insert(rng.any())),
                    4 if !pair.expected.is_empty() => pair.remove(some),
                    5 if !pair.expected.is_empty() => pair.move_to(some, near),
                    6 => {
                        let to = pair.now.saturating_add(rng.any() >> rng.below(30));
                        let step = 1 + rng.below(40) as usize;
                        pair.advance_to(to, step);
                    }
                    _ => {
                        // To the next moment worth a look, as a core does.
                        let to = pair.wheel.next_ns();
                        if to != NEVER {
                            pair.advance_to(to.max(pair.now), 1 + rng.below(3) as usize);
                        }
                    }
                }
                pair.check();
                // Near the end of time everything is due at once; go on from there.
                if pair.expected.len() > 200 {
                    while pair.expected.len() > 20 {
                        pair.remove(0);
                    }
                }
            }
        }
    }
}

#[test]
fn operations_in_the_middle_of_a_cascade_agree_with_a_list() {
    let mut rng = Rng(99);
    for _ in 0..300 {
        let mut pair = Pair::new(EXACT, 0);
        for _ in 0..50 {
            pair.insert(64 * 64 + rng.below(64 * 64));
        }
        let now = 64 * 64 + rng.below(64);
        pair.now = now;
        for _ in 0..60 {
            let mut work = 1 + rng.below(4) as usize;
            if let Popped::Expired(entry) = pair.wheel.pop_expired(now, &mut work) {
                let at = pair.expected.iter().position(|e| e.1 == entry).unwrap();
                let (deadline, _) = pair.expected.swap_remove(at);
                assert!(deadline <= now);
                free(entry);
            }
            if pair.expected.is_empty() {
                break;
            }
            let some = rng.below(pair.expected.len() as u64) as usize;
            match rng.below(4) {
                0 => pair.remove(some),
                1 => pair.move_to(some, now.saturating_add(rng.any())),
                2 => drop(pair.insert(now + rng.below(200))),
                _ => drop(pair.insert(rng.below(now + 1))),
            }
            pair.check();
        }
        pair.advance_to(now, 1);
    }
}

#[test]
fn timers_of_one_tick_fire_in_the_order_of_their_insertion() {
    for shift in [COARSE, EXACT] {
        let deadline = 5_000_000_000;
        let mut pair = Pair::new(shift, 0);
        let mut order: Vec<_> = (0..5).map(|_| pair.insert(deadline)).collect();
        // Nearer, so that later ones start at another level.
        pair.advance_to(deadline - (100 << shift), 1);
        order.extend((0..5).map(|_| pair.insert(deadline)));
        let now = deadline + (1 << shift);
        for expected in order {
            let mut work = usize::MAX;
            assert_eq!(pair.wheel.pop_expired(now, &mut work), Popped::Expired(expected));
            pair.expected.retain(|e| e.1 != expected);
            free(expected);
        }
        pair.now = now;
    }
}

#[test]
fn m02_never_is_beyond_every_tick() {
    for shift in [COARSE, EXACT] {
        let mut pair = Pair::new(shift, 0);
        pair.insert(NEVER);
        pair.insert(NEVER - 1);
        pair.insert(NEVER - 65_535);
        assert_eq!(pair.advance_to(NEVER - 65_536, 1), 0);
        let last = pair.advance_to(NEVER - 1, 1);
        assert_eq!(last, if shift == EXACT { 2 } else { 1 });
        pair.advance_to(NEVER, 1);
        assert!(pair.expected.iter().any(|e| e.0 == NEVER));
        // And a timer can come back from there.
        pair.move_to(0, 5);
        assert_eq!(pair.advance_to(NEVER, 1), 1);
    }
}

#[test]
fn an_idle_wheel_has_no_slots() {
    let mut wheel = Wheel::new(COARSE);
    assert_eq!(wheel.pop_expired(1 << 40, &mut 1), Popped::Nothing);
    assert!(wheel.slots.is_empty());
    assert!(wheel.pop_any().is_none());
}

#[test]
fn changing_the_tick_keeps_every_deadline() {
    let mut rng = Rng(5);
    let mut pair = Pair::new(COARSE, 12_345_678_912);
    for _ in 0..500 {
        pair.insert(pair.now.saturating_add(rng.any()));
    }
    pair.insert(NEVER);
    for shift in [EXACT, COARSE, EXACT] {
        pair.wheel.set_shift(shift);
        assert_eq!(pair.wheel.shift(), shift);
        pair.advance_to(pair.now + (1 << 33), 7);
    }
}

#[test]
fn moving_a_deadline_later_leaves_the_entry_where_it_is() {
    let mut pair = Pair::new(COARSE, 0);
    pair.insert(10 << COARSE);
    pair.move_to(0, 1 << 40);
    assert_eq!(pair.wheel.next_ns(), 10 << COARSE);
    assert_eq!(pair.advance_to(11 << COARSE, 1), 0);
    assert_eq!(pair.advance_to(1 << 40, 1), 1);
}
