//! Messages with a number in them, for panics in `const fn`, where there is no `format!`.

/// Text and numbers, in the order in which they were added.
pub(crate) struct Message {
    bytes: [u8; 128],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 128], len: 0 }
    }

    /// Adds `text`; what does not fit is left out.
    pub(crate) const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// Adds `number`.
    pub(crate) const fn number(self, number: usize) -> Self {
        let mut digits = [0; 20];
        let (mut at, mut left) = (digits.len(), number);
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        match std::str::from_utf8(digits.split_at(at).1) {
            Ok(digits) => self.text(digits),
            Err(_) => self,
        }
    }

    pub(crate) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(message) => message,
            Err(_) => "a message that is cut within a character",
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_stand_in_order() {
        const MESSAGE: Message = Message::new().number(0).text(" < ").number(usize::MAX);
        assert_eq!(MESSAGE.as_str(), format!("0 < {}", usize::MAX));
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let message = Message::new().text(&"x".repeat(120)).number(usize::MAX);
        assert_eq!(message.as_str().len(), 128);
        assert!(Message::new().text(&"\u{20ac}".repeat(50)).as_str().contains("cut"));
    }
}
