//! Errors that say what was being done, and to what.

use std::fmt::Display;
use std::io;

use corio_io::told;
pub(crate) use corio_io::with_context;

/// The caller handed in something that cannot work.
pub(crate) fn invalid(what: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_string())
}

/// One error for several attempts, of the kind of the last, which is its source: `what: first; second`.
///
/// With no attempts at all it says that there was nothing to try.
pub(crate) fn all_failed(what: impl Display, attempts: Vec<(String, io::Error)>) -> io::Error {
    all_failed_at(what.to_string(), attempts)
}

fn all_failed_at(mut text: String, mut attempts: Vec<(String, io::Error)>) -> io::Error {
    let Some((to, last)) = attempts.pop() else {
        return invalid(format_args!("{text}: there is no address to try"));
    };
    if attempts.is_empty() {
        return with_context(last, text);
    }
    text.push_str(": ");
    for (to, error) in &attempts {
        text.push_str(&format!("{to}: {error}; "));
    }
    text.push_str(&format!("{to}: {last}"));
    told(text, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_attempts_are_listed_and_the_last_gives_the_kind() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
        let error = all_failed("w", vec![("a".into(), refused()), ("b".into(), timed_out())]);
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "w: a: connection refused; b: timed out");
        let error = all_failed("w", vec![("a".into(), refused())]);
        assert_eq!(error.to_string(), "w: connection refused");
        assert_eq!(all_failed("w", vec![]).kind(), io::ErrorKind::InvalidInput);
    }
}
