//! A moment on the runtime's clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use crate::executor::context;

use super::clock::{Clock, origin, real_ns, some_clock_is_odd};

/// A moment in time, as [`std::time::Instant`]; inside a runtime it follows the runtime's clock, which a
/// test may [pause](super::pause).
///
/// Arithmetic saturates where std's panics: a moment too far away is 584 years from the start of the
/// process, which every timer takes for "never". Like std's, the clock does not go on while a Linux
/// machine is suspended, and setting the wall clock does not touch it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::Instant;
///
/// let start = Instant::now();
/// let never = start + Duration::MAX;
/// assert!(never > start + Duration::from_secs(1_000_000_000));
/// assert_eq!(start.duration_since(never), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

/// How far from the origin a moment may be: what 64 bits of nanoseconds hold.
const FAR: Duration = Duration::from_nanos(u64::MAX);

/// The nanoseconds of `d`, at most `u64::MAX`.
#[inline]
pub(super) fn nanos(d: Duration) -> u64 {
    d.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(d.subsec_nanos()))
}

impl Instant {
    /// The present moment: of the runtime's clock where there is one, else of the operating system's.
    #[inline]
    #[must_use]
    pub fn now() -> Self {
        if some_clock_is_odd() { Self::now_odd() } else { Self(std::time::Instant::now()) }
    }

    #[cold]
    fn now_odd() -> Self {
        let ns = context::with_clock(|clock| clock.map_or_else(real_ns, Clock::now_ns));
        Self::from_ns(ns)
    }

    /// A moment so far away that no timer ever fires for it.
    #[must_use]
    pub fn far_future() -> Self {
        static FAR_FUTURE: corio_sync::prim::statics::OnceLock<Instant> =
            corio_sync::prim::statics::OnceLock::new();
        *FAR_FUTURE.get_or_init(|| {
            // Some systems count in a way that ends sooner; then as far as they go.
            let mut distance = FAR;
            loop {
                match origin().checked_add(distance) {
                    Some(far) => return Self(far),
                    None => distance /= 2,
                }
            }
        })
    }

    /// The last moment that a timer can be set for.
    pub(super) fn last() -> Self {
        Self::from_ns(u64::MAX - 1)
    }

    /// The moment `ns` nanoseconds after the clocks' origin.
    pub(super) fn from_ns(ns: u64) -> Self {
        origin().checked_add(Duration::from_nanos(ns)).map_or_else(Self::far_future, Self)
    }

    /// Nanoseconds from the clocks' origin: 0 for what is before it, `u64::MAX` for the far future.
    #[inline]
    pub(super) fn as_ns(self) -> u64 {
        nanos(self.0.saturating_duration_since(origin()))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is the later one.
    #[must_use]
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` to this moment; `None` if `earlier` is the later one.
    #[must_use]
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is the later one.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// The time from this moment to now.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// The moment `d` later; `None` if the operating system's clock cannot express it.
    #[must_use]
    pub fn checked_add(&self, d: Duration) -> Option<Self> {
        self.0.checked_add(d).map(Self)
    }

    /// The moment `d` earlier; `None` if the operating system's clock cannot express it.
    #[must_use]
    pub fn checked_sub(&self, d: Duration) -> Option<Self> {
        self.0.checked_sub(d).map(Self)
    }

    /// The same moment as std's type.
    #[must_use]
    pub fn into_std(self) -> std::time::Instant {
        self.0
    }

    /// The same moment from std's type.
    #[must_use]
    pub fn from_std(instant: std::time::Instant) -> Self {
        Self(instant)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(instant: std::time::Instant) -> Self {
        Self(instant)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

/// Saturates: the sum is at most the far future (584 years after the start of the process).
impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, d: Duration) -> Self {
        match self.0.checked_add(d) {
            // Far beyond any deadline that anyone waits for, the comparison costs the most and
            // matters the least: a second's worth of the distance is enough to tell.
            Some(sum) if d.as_secs() < u64::from(u32::MAX) => Self(sum),
            Some(sum) => Self(sum).min(Self::far_future()).max(self),
            None => Self::far_future().max(self),
        }
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}

/// Saturates where the operating system's clock cannot express the difference: then it is the origin of
/// the clocks, or the moment itself if that is earlier.
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, d: Duration) -> Self {
        self.0.checked_sub(d).map_or_else(|| Self(origin()).min(self), Self)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, d: Duration) {
        *self = *self - d;
    }
}

/// Saturates: zero if `earlier` is the later one.
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_and_keeps_the_order() {
        let now = Instant::now();
        let far = Instant::far_future();
        assert_eq!(now + Duration::MAX, far);
        assert_eq!(now + Duration::from_secs(u64::MAX / 10), far);
        assert_eq!(far + Duration::from_secs(1 << 40), far);
        assert!(far + Duration::from_secs(1) >= far);
        assert_eq!(far.as_ns(), u64::MAX);
        assert_eq!((far + Duration::from_secs(1)).as_ns(), u64::MAX);
        assert!(now - Duration::MAX <= now);
        assert_eq!((now - Duration::MAX).as_ns(), 0);
        assert_eq!(now - (now + Duration::from_secs(1)), Duration::ZERO);
        let mut later = now;
        later += Duration::from_secs(2);
        assert_eq!(later - now, Duration::from_secs(2));
        later -= Duration::from_secs(2);
        assert_eq!(later, now);
        assert_eq!(Instant::from(now.into_std()), now);
        assert!(later.checked_add(Duration::MAX).is_none());
        assert!(later.checked_sub(Duration::MAX).is_none());
    }

    #[test]
    fn nanoseconds_and_moments_agree() {
        for ns in [0, 1, 65_535, 65_536, 1 << 40, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            assert_eq!(Instant::from_ns(ns).as_ns(), ns);
        }
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
