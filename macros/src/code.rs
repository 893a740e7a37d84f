//! Writes an expansion as plain Rust text with holes for the user's tokens.

use std::fmt::Write;

use proc_macro::{Group, Span, TokenStream, TokenTree};

/// The identifier that stands for a hole starts with this; its number follows.
const HOLE: &str = "__corio_hole_";

/// Rust source under construction.
///
/// The text gets the span that [`Code::finish`] is given; what fills a hole keeps its own.
#[derive(Default)]
pub(crate) struct Code {
    text: String,
    holes: Vec<TokenStream>,
}

impl Code {
    /// Appends source text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Makes a hole filled with `tokens`, and gives the name that stands for it in the text. The
    /// name may be used more than once.
    pub(crate) fn hole(&mut self, tokens: impl IntoIterator<Item = TokenTree>) -> String {
        let mut name = String::from(HOLE);
        write!(name, "{}", self.holes.len()).expect("writing to a string");
        self.holes.push(tokens.into_iter().collect());
        name
    }

    /// A hole for text that is about the user's `tokens`, and is reported there. In it, `{p}` stands
    /// for what the hole `p` does, and `{tokens}` for the tokens themselves.
    pub(crate) fn hole_about(&mut self, tokens: &[TokenTree], p: &str, text: &str) -> String {
        let number = p.strip_prefix(HOLE).and_then(|n| n.parse::<usize>().ok());
        let path = number.and_then(|n| self.holes.get(n)).cloned().expect("`p` is a hole");
        let mut code = Self::default();
        // The place changes, the hygiene does not: `$crate` stays what it is.
        let path = code.hole(path.into_iter().map(|mut token| {
            token.set_span(token.span().located_at(tokens[0].span()));
            token
        }));
        let all = code.hole(tokens.iter().cloned());
        code.push(&text.replace("{p}", &path).replace("{tokens}", &all));
        self.hole(code.finish(Span::mixed_site().located_at(tokens[0].span())))
    }

    /// Parses the text, gives its tokens `span`, and fills the holes.
    pub(crate) fn finish(self, span: Span) -> TokenStream {
        let text: TokenStream = self.text.parse().expect("the text of an expansion is valid Rust");
        self.fill(text, span)
    }

    /// Like [`finish`](Self::finish), with the hygiene of `macro_rules!`: the local variables of the
    /// text and those of the user do not see each other.
    pub(crate) fn finish_hygienic(self) -> TokenStream {
        self.finish(Span::mixed_site())
    }

    fn fill(&self, text: TokenStream, span: Span) -> TokenStream {
        let mut out = TokenStream::new();
        for mut token in text {
            match &mut token {
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let number = name.strip_prefix(HOLE).and_then(|n| n.parse::<usize>().ok());
                    if let Some(number) = number {
                        out.extend(self.holes[number].clone());
                        continue;
                    }
                    token.set_span(span);
                }
                TokenTree::Group(group) => {
                    let filled = self.fill(group.stream(), span);
                    let mut group = Group::new(group.delimiter(), filled);
                    group.set_span(span);
                    token = group.into();
                }
                _ => token.set_span(span),
            }
            out.extend([token]);
        }
        out
    }
}
