//! Which texts are host names that the resolver may be asked for.
//!
//! The system's resolver cuts at a NUL, accepts the historic forms of addresses (`127.1`, `0x7f000001`),
//! which slip past filters, and does not agree with itself on lengths. So a name is judged before it is
//! asked.

use std::io;

use crate::error::invalid;

/// The longest name in text, without the final dot: 255 octets on the wire.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Accepts `host` if it can be a name: dot-separated labels, with or without a final dot.
pub(crate) fn check(host: &str) -> io::Result<()> {
    let wrong =
        |why: &str| Err(invalid(format_args!("`{}` is not a host name: {why}", shown(host))));
    if host.is_empty() {
        return wrong("it is empty");
    }
    if host.bytes().any(|b| b == 0) {
        return wrong("it contains a NUL");
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > MAX_NAME {
        return wrong("it is longer than 253 bytes");
    }
    for label in name.split('.') {
        if label.is_empty() {
            return wrong("it has an empty label");
        }
        if label.len() > MAX_LABEL {
            return wrong("it has a label longer than 63 bytes");
        }
        if label.chars().any(|c| !(c.is_alphanumeric() || c == '-' || c == '_')) {
            return wrong("only letters, digits, `-` and `_` can stand between the dots");
        }
    }
    // A name whose last label is a number would be taken for an address in a historic form.
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let number = match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => last.bytes().all(|b| b.is_ascii_digit()),
    };
    if number {
        return wrong("an address is written as four decimal numbers, `127.0.0.1`, or as `[::1]`");
    }
    Ok(())
}

/// The text as an error shows it: printable and of bounded length.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        c.escape_debug().for_each(|c| shown.push(c));
    }
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n21_what_is_a_name() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        for name in
            ["localhost", "example.com", "example.com.", "a-b_c.x1", "1.2.3.com", "münchen.de"]
        {
            check(name).unwrap();
        }
        check(&longest).unwrap();
        check(&format!("{longest}.")).unwrap();
    }

    #[test]
    fn n21_what_is_not_a_name() {
        let label = "a".repeat(63);
        let too_long = format!("{label}.{label}.{label}.{}", "a".repeat(62));
        let names = [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a\0b",
            "a b",
            "a/b",
            "a:b",
            "a\n",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "1.2.3.4",
            "1.2.3.4.",
            "256.256.256.256",
            "a.0x",
            &too_long,
        ];
        for name in names {
            let error = check(name).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        check(&"a".repeat(64)).unwrap_err();
    }

    #[test]
    fn an_error_never_shows_an_endless_or_unprintable_name() {
        let text = check(&"\u{1b}[2J".repeat(10_000)).unwrap_err().to_string();
        assert!(text.len() < 2000 && !text.contains('\u{1b}'), "{text}");
    }
}
