//! What the text of a literal means.

use std::time::Duration;

/// The text between the quotes of a string literal without escapes, raw or not.
pub(super) fn unquote(literal: &str) -> Option<String> {
    let raw = literal.strip_prefix('r').map(|rest| rest.trim_matches('#'));
    let text = raw.unwrap_or(literal).strip_prefix('"')?.strip_suffix('"')?;
    Some(text.to_owned())
}

/// The value of an integer literal: any base, underscores, an integer's suffix.
pub(super) fn parse_integer(literal: &str) -> Option<u64> {
    let text: String = literal.chars().filter(|c| *c != '_').collect();
    let (text, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (&text[..], 10),
    };
    let end = text.find(['u', 'i']).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let suffixes = ["", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
    if !suffixes.contains(&suffix) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `"500ms"`, `"1.5s"`, `"2 m"`, `"1h"`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let nanos_per_unit: u64 = match unit.trim_start() {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(nanos_per_unit)?;
    if fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut place = nanos_per_unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration(" 2 m "), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(parse_duration("1.25s"), Some(Duration::from_millis(1250)));
        for wrong in ["", "5", "s", "5 parsecs", "-1s", "1..5s", "1.s", ".5s", "99999999999999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn integers_may_have_a_base_and_a_suffix() {
        for (text, value) in
            [("7", 7), ("1_000", 1000), ("0xffu64", 255), ("0b11", 3), ("4usize", 4)]
        {
            assert_eq!(parse_integer(text), Some(value), "{text}");
        }
        for wrong in ["1.5", "7x", "18446744073709551616", "0x", "7u128x"] {
            assert_eq!(parse_integer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn strings_may_be_raw() {
        assert_eq!(unquote("\"5s\"").as_deref(), Some("5s"));
        assert_eq!(unquote("r#\"rt\"#").as_deref(), Some("rt"));
        assert_eq!(unquote("7"), None);
        assert_eq!(unquote("b\"5s\""), None);
    }
}
