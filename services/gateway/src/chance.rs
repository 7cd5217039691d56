//! Reproducible random numbers, which are hashes.

use std::str::FromStr;

/// A share of all cases, in millionths, so that shares add up exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// Error for a text that is not a [`Share`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: a number from 0 to 1 with at most six decimals is expected")]
pub struct ShareFault(String);

impl Share {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(MILLION);

    /// Makes a share of so many millionths. Returns `None` above a million.
    pub fn per_million(parts: u32) -> Option<Self> {
        (parts <= MILLION).then_some(Self(parts))
    }

    /// Adds two shares. Returns `None` if the sum is more than 1.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        Self::per_million(self.0 + other.0)
    }

    pub(crate) fn contains(self, draw: Draw) -> bool {
        draw.0 < self.0
    }
}

impl FromStr for Share {
    type Err = ShareFault;

    fn from_str(text: &str) -> Result<Self, ShareFault> {
        parts(text).and_then(Self::per_million).ok_or_else(|| ShareFault(text.to_owned()))
    }
}

const MILLION: u32 = 1_000_000;

/// Parses a number with up to six decimals into millionths: `0.25` is 250,000. It avoids `f64`, in which 0.1 + 0.2 is
/// more than 0.3.
fn parts(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let millionths: u32 = format!("{decimals:0<6}").parse().ok()?;
    whole.checked_mul(MILLION)?.checked_add(millionths)
}

/// A reproducible random number from 0 to 999,999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u32);

impl Draw {
    /// Makes the draw for `parts`. The same parts give the same draw, in every process and every version.
    pub fn of(parts: &[&[u8]]) -> Self {
        let scaled = (u128::from(hash(parts)) * u128::from(MILLION)) >> 64;
        Self(u32::try_from(scaled).expect("a 64-bit fraction of a million is below a million"))
    }
}

/// Hashes the parts by FNV-1a, each followed by a byte that UTF-8 text cannot contain, and applies the finalizer of
/// `SplitMix64`, because with FNV alone the high bits of short inputs hardly differ.
///
/// Sources: RFC 9923 (FNV); Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut state = FNV_OFFSET;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            state = (state ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly() {
        let table = [
            ("0", Some(0)),
            ("1", Some(1_000_000)),
            ("1.0", Some(1_000_000)),
            ("0.8", Some(800_000)),
            (".5", None),
            ("0.000001", Some(1)),
            ("0.0000001", None),
            ("1.000001", None),
            ("2", None),
            ("-0.1", None),
            ("+1", None),
            ("NaN", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(text.parse().ok(), want.map(Share), "{text}");
        }
    }

    #[test]
    fn draws_are_the_same_for_ever() {
        let draws = ["a:0", "a:1", "b:0"].map(|text| Draw::of(&[text.as_bytes()]).0);

        assert_eq!(draws, [449_719, 17_382, 4_770]);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }

    #[test]
    fn draws_are_even_over_numbered_names() {
        let share = Share(300_000);

        let hits =
            (0..100_000).filter(|n| share.contains(Draw::of(&[format!("item-{n}").as_bytes()]))).count();

        assert!((29_500..30_500).contains(&hits), "{hits}");
    }
}
