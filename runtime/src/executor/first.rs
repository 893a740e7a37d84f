//! Which of several things is looked at first.
//!
//! A draw for each look would be fair, and would cost a mispredicted branch each time, which is most of
//! what a `select!` that is ready takes. So the first one goes round instead, by steps that fill the
//! circle evenly (the golden ratio's, as in Weyl sequences), which a processor's predictor learns; and
//! now and then it starts from a random point, so that no rhythm of a program stays in step with it.
//! Each place in the source makes another point of it, without which a `select!` in another one's branch
//! would always go with that branch.

use std::cell::Cell;

/// The golden ratio's part of a circle of 2^32.
const STEP: u32 = 0x9E37_79B9;
/// Since the step is odd, one turn in so many has zeros where this has ones.
const ROUND: u32 = 64 - 1;

/// What goes round.
#[derive(Debug)]
pub(super) struct First {
    turn: Cell<u32>,
    /// The point that the turns are counted from.
    start: Cell<u32>,
    /// There is a new one when the bits of `turn` under this are 0.
    renew: u32,
}

impl First {
    pub(super) fn new(turn: u64) -> Self {
        let (turn, start) = (turn as u32, (turn >> 32) as u32);
        Self { turn: Cell::new(turn), start: Cell::new(start), renew: ROUND }
    }

    /// From now on each one is drawn: who looks for a bad order wants to meet them all.
    pub(super) fn draw_each(&mut self) {
        self.renew = 0;
    }

    /// A number below `n` (0 for 0) for the place in the source with the odd number `place`.
    #[inline]
    pub(super) fn below(&self, n: usize, place: u32, random: impl FnOnce() -> u64) -> usize {
        let turn = self.turn.get().wrapping_add(STEP);
        self.turn.set(turn);
        if turn & self.renew == 0 {
            self.start.set((random() >> 32) as u32);
        }
        scaled(self.start.get().wrapping_mul(place).wrapping_add(turn), n)
    }
}

/// The place `part` of a circle of 2^32 that is divided into `n`.
#[inline]
pub(super) fn scaled(part: u32, n: usize) -> usize {
    // No division, and no bias that matters for so small an `n`.
    ((u64::from(part) * n as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator of a core (xorshift64*).
    fn generator() -> impl Fn() -> u64 {
        let state = Cell::new(0x1234_5678_9ABC_DEF1_u64);
        move || {
            let mut x = state.get();
            x ^= x >> 12;
            x ^= x << 25;
            x ^= x >> 27;
            state.set(x);
            x.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }
    }

    #[test]
    fn each_is_the_first_equally_often_whatever_the_rhythm() {
        let random = generator();
        for n in [2, 3, 5, 64] {
            for rhythm in 1..=16 {
                let first = First::new(random());
                let mut counts = vec![0; n];
                for i in 0..n * 1000 * rhythm {
                    let at = first.below(n, 0x2C1B_3C6D, &random);
                    if i % rhythm == 0 {
                        counts[at] += 1;
                    }
                }
                let fair = counts.iter().all(|count| (800..1200).contains(count));
                assert!(fair, "{n} in a rhythm of {rhythm}: {counts:?}");
            }
        }
    }

    #[test]
    fn two_places_in_turn_meet_in_all_combinations() {
        let random = generator();
        let first = First::new(random());
        let mut counts = [0; 16];
        for _ in 0..16_000 {
            let outer = first.below(4, 0x2C1B_3C6D, &random);
            let inner = first.below(4, 0x297A_2D39, &random);
            counts[4 * outer + inner] += 1;
        }
        assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
    }

    #[test]
    fn without_rounds_each_is_drawn() {
        let random = generator();
        let mut first = First::new(random());
        first.draw_each();
        let mut runs = 0;
        let mut last = [0; 4];
        for _ in 0..10_000 {
            last.rotate_left(1);
            last[3] = first.below(2, 0x2C1B_3C6D, &random);
            runs += usize::from(last == [0; 4]);
        }
        assert!((400..900).contains(&runs), "four in a row {runs} times");
    }
}
