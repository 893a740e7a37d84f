//! Finding one's way in a list of tokens without a grammar of Rust.
//!
//! Brackets already come as one token each. What is left is to tell a comma that separates from one
//! in `f::<A, B>()` or `|a, b| ..`; [`find`] does that.

use proc_macro::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

use crate::error::{Error, Result};

/// Whether `token` is the punctuation character `c`.
pub(crate) fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c)
}

/// Whether `token` is the punctuation character `c` with the next one right behind it.
fn is_joint(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c && p.spacing() == Spacing::Joint)
}

/// Whether `token` is the word `word`.
pub(crate) fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(i)) if i.to_string() == word)
}

/// The brackets `delimiter`, where `token` is that; also through the invisible brackets that a
/// `$fragment` of another macro comes in.
pub(crate) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<Group> {
    let Some(TokenTree::Group(outer)) = token else { return None };
    if outer.delimiter() == delimiter {
        return Some(outer.clone());
    }
    if outer.delimiter() != Delimiter::None {
        return None;
    }
    let mut inner = outer.stream().into_iter();
    match (inner.next(), inner.next()) {
        (token @ Some(_), None) => group(token.as_ref(), delimiter),
        _ => None,
    }
}

/// Whether `tokens[at]` starts a `=>`.
pub(crate) fn is_arrow(tokens: &[TokenTree], at: usize) -> bool {
    is_joint(tokens.get(at), '=') && is_punct(tokens.get(at + 1), '>')
}

/// Whether `tokens[at]` starts a `->`.
pub(crate) fn is_thin_arrow(tokens: &[TokenTree], at: usize) -> bool {
    is_joint(tokens.get(at), '-') && is_punct(tokens.get(at + 1), '>')
}

/// Whether `tokens[at]` is a `=` on its own: not a part of `==`, `=>` or `..=`.
pub(crate) fn is_assign(tokens: &[TokenTree], at: usize) -> bool {
    let joins_next = is_joint(tokens.get(at), '=')
        && (is_punct(tokens.get(at + 1), '=') || is_punct(tokens.get(at + 1), '>'));
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    is_punct(tokens.get(at), '=') && !joins_next && !is_joint(before, '.') && !is_joint(before, '=')
}

/// Whether `tokens[at]` is a comma.
pub(crate) fn is_comma(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ',')
}

/// The place of the first token of an expression, or a list of them, for which `stop` says yes.
/// Generic arguments and the parameters of closures are not looked into.
pub(crate) fn find(
    tokens: &[TokenTree],
    stop: impl Fn(&[TokenTree], usize) -> bool,
) -> Option<usize> {
    find_in(tokens, true, stop)
}

/// The same in a pattern, where there are no closures and `|` is always "or".
pub(crate) fn find_in_pattern(
    tokens: &[TokenTree],
    stop: impl Fn(&[TokenTree], usize) -> bool,
) -> Option<usize> {
    find_in(tokens, false, stop)
}

fn find_in(
    tokens: &[TokenTree],
    closures: bool,
    stop: impl Fn(&[TokenTree], usize) -> bool,
) -> Option<usize> {
    let mut at = 0;
    // Whether an operand comes next: then `<` opens a path and `|` opens a closure; else they are
    // operators.
    let mut operand = true;
    while at < tokens.len() {
        if stop(tokens, at) {
            return Some(at);
        }
        let angle = is_punct(tokens.get(at), '<');
        let pipe = is_punct(tokens.get(at), '|');
        let opens_path =
            angle && (operand || follows_path_separator(tokens, at) || follows_cast(tokens, at));
        if let Some(end) = opens_path.then(|| end_of_angles(tokens, at)).flatten() {
            at = end;
            operand = false;
            continue;
        }
        if let Some(end) =
            (closures && pipe && operand).then(|| end_of_closure_head(tokens, at)).flatten()
        {
            at = end;
            operand = true;
            continue;
        }
        operand = match &tokens[at] {
            TokenTree::Punct(p) => p.as_char() != '?',
            TokenTree::Ident(i) => wants_operand(&i.to_string()),
            TokenTree::Group(_) | TokenTree::Literal(_) => false,
        };
        // The second half of `<<` and `||` opens nothing.
        let double = (angle && is_joint(tokens.get(at), '<') && is_punct(tokens.get(at + 1), '<'))
            || (pipe && is_joint(tokens.get(at), '|') && is_punct(tokens.get(at + 1), '|'));
        at += if double { 2 } else { 1 };
    }
    None
}

/// Splits `tokens` at its commas. A comma at the end makes no part of its own.
pub(crate) fn split_at_commas(mut tokens: &[TokenTree]) -> Vec<&[TokenTree]> {
    let mut parts = Vec::new();
    while !tokens.is_empty() {
        let end = find(tokens, is_comma).unwrap_or(tokens.len());
        parts.push(&tokens[..end]);
        tokens = tokens.get(end + 1..).unwrap_or_default();
    }
    parts
}

/// Whether an expression goes on behind the keyword `word`.
pub(crate) fn wants_operand(word: &str) -> bool {
    matches!(
        word,
        "as" | "async"
            | "break"
            | "const"
            | "else"
            | "for"
            | "if"
            | "in"
            | "let"
            | "loop"
            | "match"
            | "move"
            | "mut"
            | "ref"
            | "return"
            | "static"
            | "unsafe"
            | "while"
            | "yield"
    )
}

fn follows_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_joint(tokens.get(at - 2), ':') && is_punct(tokens.get(at - 1), ':')
}

/// Whether `tokens[at]` comes right behind `as some::Path`, where the compiler, too, takes a `<` for
/// the start of generic arguments.
fn follows_cast(tokens: &[TokenTree], at: usize) -> bool {
    let mut start = at;
    loop {
        match start.checked_sub(1).and_then(|i| tokens.get(i)) {
            Some(TokenTree::Ident(_)) => start -= 1,
            _ => return false,
        }
        if !follows_path_separator(tokens, start) {
            break;
        }
        start -= 2;
    }
    let mut before = tokens[..start].iter().rev().skip_while(|token| match token {
        TokenTree::Ident(i) => matches!(i.to_string().as_str(), "const" | "mut"),
        TokenTree::Punct(p) => matches!(p.as_char(), '*' | '&'),
        _ => false,
    });
    is_word(before.next(), "as")
}

/// The place behind the `>` that closes the `<` at `at`.
fn end_of_angles(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for i in at..tokens.len() {
        let after_dash = i > 0 && is_thin_arrow(tokens, i - 1);
        if is_arrow(tokens, i) || is_punct(tokens.get(i), ';') {
            return None;
        } else if is_punct(tokens.get(i), '<') {
            depth += 1;
        } else if is_punct(tokens.get(i), '>') && !after_dash {
            depth -= 1;
            if depth == 0 {
                return Some(i + 1);
            }
        }
    }
    None
}

/// The place behind the parameters and the return type of the closure that starts at `at`.
fn end_of_closure_head(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let end = (at + 1..tokens.len()).find(|&i| is_punct(tokens.get(i), '|'))? + 1;
    if !is_thin_arrow(tokens, end) {
        return Some(end);
    }
    (end..tokens.len()).find(|&i| group(tokens.get(i), Delimiter::Brace).is_some())
}

/// Where a token that may be a group ends.
pub(crate) fn last_span(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}

/// The input of a macro behind a wrapper: the path of the crate, a semicolon, the user's tokens.
#[derive(Debug)]
pub(crate) struct Input {
    /// `<path>::__private`.
    pub(crate) private: TokenStream,
    /// What the user wrote.
    pub(crate) tokens: Vec<TokenTree>,
}

impl Input {
    pub(crate) fn parse(input: TokenStream) -> Result<Self> {
        let mut input = input.into_iter();
        let path: Vec<_> = input.by_ref().take_while(|t| !is_punct(Some(t), ';')).collect();
        if path.is_empty() {
            return Err(Error::over(&[], "the input starts with the path of the crate and a `;`"));
        }
        Ok(Self { private: private(path), tokens: input.collect() })
    }
}

/// `<path>::__private`, where the items are that expansions name.
pub(crate) fn private(path: impl IntoIterator<Item = TokenTree>) -> TokenStream {
    let mut code = crate::code::Code::default();
    let path = code.hole(path);
    code.push(&format!("{path}::__private"));
    code.finish_hygienic()
}
