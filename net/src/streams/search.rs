//! Finding separators in what has come so far.

use std::io;

use corio_io::find_byte;

use crate::error::invalid;

/// What ends a piece: one of several separators, none of them empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Separators<'a> {
    all: All<'a>,
    shortest: usize,
    longest: usize,
}

#[derive(Clone, Copy, Debug)]
enum All<'a> {
    One(&'a [u8]),
    Several(&'a [&'a [u8]]),
}

/// A separator in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<'a> Separators<'a> {
    pub(crate) fn one(separator: &'a [u8]) -> io::Result<Self> {
        if separator.is_empty() {
            return Err(invalid("the separator is empty: it would be found before the first byte"));
        }
        let len = separator.len();
        Ok(Self { all: All::One(separator), shortest: len, longest: len })
    }

    pub(crate) fn any(separators: &'a [&'a [u8]]) -> io::Result<Self> {
        let lengths = || separators.iter().map(|separator| separator.len());
        let (Some(shortest), Some(longest)) = (lengths().min(), lengths().max()) else {
            return Err(invalid("there is no separator in the list: nothing would end the piece"));
        };
        if shortest == 0 {
            return Err(invalid("one of the separators is empty: it would be found at once"));
        }
        Ok(Self { all: All::Several(separators), shortest, longest })
    }

    pub(crate) fn shortest(&self) -> usize {
        self.shortest
    }

    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// The separator that ends first in `data`, of those that begin at `from` or later. Of two that end
    /// at one place it is the shorter.
    pub(crate) fn find(&self, data: &[u8], from: usize) -> Option<Match> {
        match self.all {
            All::One(separator) => find(data, from, separator),
            All::Several(separators) => {
                let mut best: Option<Match> = None;
                for separator in separators {
                    // What ends later than the best so far is of no interest.
                    let data = &data[..best.map_or(data.len(), |best| best.end)];
                    let Some(found) = find(data, from, separator) else { continue };
                    let better =
                        best.is_none_or(|best| (found.end, best.start) < (best.end, found.start));
                    if better {
                        best = Some(found);
                    }
                }
                best
            }
        }
    }
}

/// The first place at `from` or later where `separator` stands.
fn find(data: &[u8], from: usize, separator: &[u8]) -> Option<Match> {
    let (first, rest) = (separator[0], &separator[1..]);
    let mut at = from;
    loop {
        let start = at + find_byte(first, data.get(at..)?)?;
        if data[start + 1..].starts_with(rest) {
            return Some(Match { start, end: start + separator.len() });
        }
        at = start + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(data: &[u8], separators: &[&[u8]]) -> Option<(usize, usize)> {
        Separators::any(separators).unwrap().find(data, 0).map(|m| (m.start, m.end))
    }

    #[test]
    fn the_earliest_end_wins() {
        assert_eq!(any(b"ABCDEFG", &[b"DEF", b"BCDE"]), Some((1, 5)));
        assert_eq!(any(b"line 1\nline 2\r", &[b"\r", b"\n"]), Some((6, 7)));
        assert_eq!(any(b"abcXYZ", &[b"XYZ", b"Z"]), Some((5, 6)));
        assert_eq!(any(b"abcXYZ", &[b"Z", b"XYZ"]), Some((5, 6)));
        assert_eq!(any(b"abc", &[b"d", b"cd"]), None);
        assert_eq!(any(b"", &[b"d"]), None);
    }

    #[test]
    fn a_false_beginning_is_passed_over() {
        let data = b"aaab-aab";
        assert_eq!(find(data, 0, b"aab"), Some(Match { start: 1, end: 4 }));
        assert_eq!(find(data, 2, b"aab"), Some(Match { start: 5, end: 8 }));
        assert_eq!(find(data, 6, b"aab"), None);
        assert_eq!(find(data, 9, b"a"), None);
        assert_eq!(find(b"xx", 0, b"x"), Some(Match { start: 0, end: 1 }));
        assert_eq!(find(b"ab", 0, b"abc"), None);
    }

    #[test]
    fn it_agrees_with_a_search_at_every_place() {
        // Every text of up to seven letters of two, against every list of two separators.
        let words: Vec<Vec<u8>> = (1..4)
            .flat_map(|len| {
                (0..1 << len)
                    .map(move |bits: u32| (0..len).map(|i| b'a' + (bits >> i & 1) as u8).collect())
            })
            .collect();
        for len in 0..8 {
            for bits in 0..1_u32 << len {
                let data: Vec<u8> = (0..len).map(|i| b'a' + (bits >> i & 1) as u8).collect();
                for one in &words {
                    for two in &words {
                        let ends = (1..=data.len())
                            .find(|end| data[..*end].ends_with(one) || data[..*end].ends_with(two));
                        let found = any(&data, &[one, two]);
                        assert_eq!(found.map(|(_, end)| end), ends, "{data:?} {one:?} {two:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_would_end_at_once_or_never_is_refused() {
        assert!(Separators::one(b"").is_err());
        assert!(Separators::any(&[]).is_err());
        assert!(Separators::any(&[b"a", b""]).is_err());
    }
}
