//! Who runs next and for how long, where that is not left to the moment: in runs from a seed, and in chaos.
//!
//! A seeded run has one worker, no monitor and a clock of its own. Every choice, which ready thread is next and after
//! how many safepoints its slice ends, comes from the seed, so the same program does the same again. Chaos keeps
//! several workers and makes them choose badly, for tests: short slices, any order, pauses in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::thread::Thread;

/// The virtual time between two safepoints.
const TICK: Duration = Duration::from_nanos(100);

/// How the threads of an interpreter are scheduled.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Mode {
    #[default]
    Usual,
    Seeded(u64),
    Chaos(u64),
}

impl Mode {
    /// What `CONC_SCHED` asks for: `chaos`, or `chaos:N` for other choices.
    pub fn from_environment() -> Mode {
        let asked = std::env::var("CONC_SCHED").unwrap_or_default();
        match asked.split_once(':').unwrap_or((&asked, "0")) {
            ("chaos", n) => Mode::Chaos(n.parse().unwrap_or(0)),
            _ => Mode::Usual,
        }
    }
}

/// What a safepoint does to the running thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    GoOn,
    /// Its slice is over.
    GiveWay,
    /// It goes on a little later.
    Pause,
}

/// One worker's choices.
pub struct Policy {
    mode: Mode,
    random: Random,
    /// Safepoints left of the slice.
    left: u32,
    /// Seeded runs: every ready thread, in the order they became so.
    pub ready: Vec<Arc<Thread>>,
}

impl Policy {
    pub fn new(mode: Mode, worker: usize) -> Policy {
        let seed = match mode {
            Mode::Usual => 0,
            Mode::Seeded(n) => n,
            Mode::Chaos(n) => n ^ (worker as u64 + 1) << 32,
        };
        Policy { mode, random: Random(seed), left: 1, ready: Vec::new() }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// One of `0..n`.
    pub fn choose(&mut self, n: usize) -> usize {
        (self.random.draw() % n.max(1) as u64) as usize
    }

    /// Takes one of the ready threads.
    pub fn take_ready(&mut self) -> Option<Arc<Thread>> {
        if self.ready.is_empty() {
            return None;
        }
        let at = self.choose(self.ready.len());
        Some(self.ready.remove(at))
    }

    /// A slice begins: mostly short ones, as mistakes hide between neighbouring instructions.
    pub fn begin_slice(&mut self) {
        if self.mode == Mode::Usual {
            return;
        }
        let most = [4, 16, 64, 512][self.choose(4)];
        self.left = 1 + self.choose(most) as u32;
    }

    /// The running thread is at a safepoint.
    pub fn safepoint(&mut self) -> Verdict {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return Verdict::GoOn;
        }
        self.begin_slice();
        let pauses = matches!(self.mode, Mode::Chaos(_)) && self.choose(8) == 0;
        if pauses { Verdict::Pause } else { Verdict::GiveWay }
    }
}

/// A small generator of random numbers (splitmix64), the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// The clock of a seeded run: it moves with the program's work, and jumps when all wait.
#[derive(Debug)]
pub struct VirtualClock {
    start: Instant,
    ahead: Duration,
}

impl VirtualClock {
    pub fn new() -> VirtualClock {
        VirtualClock { start: Instant::now(), ahead: Duration::ZERO }
    }
    pub fn now(&self) -> Instant {
        self.start + self.ahead
    }
    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.ahead
    }
    pub fn tick(&mut self) {
        self.ahead = self.ahead.saturating_add(TICK);
    }
    pub fn jump(&mut self, to: Instant) {
        self.ahead = self.ahead.max(to.saturating_duration_since(self.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same() {
        let choices = |seed| {
            let mut policy = Policy::new(Mode::Seeded(seed), 0);
            (0..100).map(|_| (policy.safepoint() == Verdict::GoOn, policy.choose(7))).collect::<Vec<_>>()
        };
        assert_eq!(choices(1), choices(1));
        assert_ne!(choices(1), choices(2));
    }

    #[test]
    fn the_clock_never_goes_back() {
        let mut clock = VirtualClock::new();
        let start = clock.now();
        clock.jump(start + Duration::from_secs(3600));
        clock.jump(start);
        clock.tick();
        assert_eq!(clock.elapsed(), Duration::from_secs(3600) + TICK);
    }
}
