//! Errors that say what was being done, and keep the system's error within.

use std::error;
use std::fmt::{self, Display};
use std::io::Error;

/// The system's number of `error`, also of one that has more to say than the number.
///
/// An error that names its file, its host, its peer or its program is not the system's own, so that its
/// [`raw_os_error`](Error::raw_os_error) is `None`. The system's error is its
/// [source](std::error::Error::source), and this finds it; the [kind](Error::kind) is the same in both.
///
/// # Examples
///
/// ```
/// use corio_io::{fs, raw_os_error};
///
/// # corio_runtime::run(async {
/// let error = fs::read("/no/such/file").await.unwrap_err();
/// assert!(error.to_string().contains("/no/such/file"));
/// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
/// assert_eq!(raw_os_error(&error), Some(2)); // ENOENT
/// # });
/// ```
#[doc(alias = "errno")]
pub fn raw_os_error(error: &Error) -> Option<i32> {
    if let Some(number) = error.raw_os_error() {
        return Some(number);
    }
    let mut inner: &(dyn error::Error + 'static) = error.get_ref()?;
    loop {
        if let Some(error) = inner.downcast_ref::<Error>() {
            return raw_os_error(error);
        }
        inner = inner.source()?;
    }
}

/// The same error, with what was being done in front.
#[doc(hidden)]
pub fn with_context(error: Error, what: impl Display) -> Error {
    said(error, &what)
}

fn said(error: Error, what: &dyn Display) -> Error {
    told(format!("{what}: {error}"), error)
}

/// An error of the kind of `cause` that says `text`, which tells of the cause, too.
#[doc(hidden)]
pub fn told(text: String, cause: Error) -> Error {
    Error::new(cause.kind(), Told { text, cause })
}

struct Told {
    text: String,
    cause: Error,
}

impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text says what the cause does.
        fmt::Debug::fmt(&self.text, f)
    }
}

impl error::Error for Told {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_however_deep_it_is() {
        let refused = Error::from_raw_os_error(111);
        let kind = refused.kind();
        let once = with_context(refused, "cannot connect to a");
        let twice = with_context(once, "no page");
        assert_eq!((twice.raw_os_error(), raw_os_error(&twice)), (None, Some(111)));
        assert_eq!(twice.kind(), kind);
        assert!(twice.to_string().starts_with("no page: cannot connect to a: "), "{twice}");
        assert_eq!(raw_os_error(&Error::other("no number")), None);
        assert_eq!(raw_os_error(&Error::other(Error::from_raw_os_error(5))), Some(5));
    }
}
