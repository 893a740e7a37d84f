//! A mistake in the input, and how it reaches the user: as `compile_error!` at the user's tokens.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::tokens::last_span;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What is wrong, and the tokens that it is about.
#[derive(Debug)]
pub(crate) struct Error {
    start: Span,
    end: Span,
    message: String,
}

impl Error {
    /// An error at one token.
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { start: span, end: span, message: message.into() }
    }

    /// An error at all of `tokens`; at the macro call if there are none.
    pub(crate) fn over(tokens: &[TokenTree], message: impl Into<String>) -> Self {
        let start = tokens.first().map_or_else(Span::call_site, TokenTree::span);
        let end = tokens.last().map_or(start, last_span);
        Self { start, end, message: message.into() }
    }

    /// `::core::compile_error! { "message" }`, fit for an item, a statement and an expression.
    ///
    /// Stable Rust cannot join two spans, but the compiler underlines a macro call from its first
    /// token to its last: so the path carries the start and the braces carry the end.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let punct = |c, spacing| {
            let mut punct = Punct::new(c, spacing);
            punct.set_span(self.start);
            TokenTree::from(punct)
        };
        let ident = |name| TokenTree::from(Ident::new(name, self.start));
        let mut message = Literal::string(&self.message);
        message.set_span(self.end);
        let mut braces = Group::new(Delimiter::Brace, TokenTree::from(message).into());
        braces.set_span(self.end);
        TokenStream::from_iter([
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            ident("core"),
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            ident("compile_error"),
            punct('!', Spacing::Alone),
            braces.into(),
        ])
    }
}
