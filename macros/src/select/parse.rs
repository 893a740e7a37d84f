//! The branches of a `select!`, cut out of its tokens.

use proc_macro::{Delimiter, TokenTree};

use crate::error::{Error, Result};
use crate::tokens::{
    find, find_in_pattern, group, is_arrow, is_assign, is_comma, is_punct, is_thin_arrow, is_word,
};

/// The most branches that fit the bit set of enabled branches.
const MOST: usize = 64;

const FORM: &str = "`<pattern> = <future> => <handler>`";

/// A whole `select!`.
#[derive(Debug)]
pub(crate) struct Select<'a> {
    pub(crate) biased: bool,
    pub(crate) branches: Vec<Branch<'a>>,
    /// The handler of `else`.
    pub(crate) otherwise: Option<&'a [TokenTree]>,
}

/// `<pattern> = <future> (, if <guard>)? => <handler>`
#[derive(Debug)]
pub(crate) struct Branch<'a> {
    pub(crate) pattern: &'a [TokenTree],
    pub(crate) future: &'a [TokenTree],
    pub(crate) guard: Option<&'a [TokenTree]>,
    pub(crate) handler: &'a [TokenTree],
}

impl Branch<'_> {
    /// Whether some value might not match the pattern, as far as one can tell from the tokens.
    pub(crate) fn may_mismatch(&self) -> bool {
        !(self.pattern.len() == 1 && is_word(self.pattern.first(), "_"))
    }
}

impl<'a> Select<'a> {
    pub(crate) fn parse(tokens: &'a [TokenTree]) -> Result<Self> {
        if tokens.is_empty() {
            return Err(Error::over(
                &[],
                format!("`select!` needs at least one branch: write {FORM}"),
            ));
        }
        let mut rest = tokens;
        let biased = is_word(rest.first(), "biased") && !is_assign(rest, 1);
        if biased {
            if !is_punct(rest.get(1), ';') {
                return Err(Error::over(&rest[..1], "write `biased;` with a semicolon"));
            }
            rest = &rest[2..];
        }
        let mut select = Self { biased, branches: Vec::new(), otherwise: None };
        while !rest.is_empty() {
            rest = select.parse_next(rest)?;
        }
        if select.branches.is_empty() && select.otherwise.is_none() {
            return Err(Error::over(
                tokens,
                format!("`select!` needs at least one branch behind `biased;`: write {FORM}"),
            ));
        }
        Ok(select)
    }

    /// Takes one branch off the front.
    fn parse_next(&mut self, tokens: &'a [TokenTree]) -> Result<&'a [TokenTree]> {
        if is_word(tokens.first(), "else") {
            if !is_arrow(tokens, 1) {
                return Err(Error::over(&tokens[..1], "write `else => <handler>`"));
            }
            let (handler, rest) = parse_handler(&tokens[1..])?;
            self.otherwise = Some(handler);
            if !rest.is_empty() {
                return Err(Error::over(
                    &tokens[..1],
                    "`else` is the last branch: move it behind the others",
                ));
            }
            return Ok(rest);
        }
        if self.branches.len() == MOST {
            return Err(Error::over(
                &tokens[..1],
                format!(
                    "`select!` takes at most {MOST} branches: put some into a `select!` of their \
                     own, or use `corio::race` for many futures of one type"
                ),
            ));
        }
        let (branch, rest) = parse_branch(tokens)?;
        self.branches.push(branch);
        Ok(rest)
    }
}

fn parse_branch(tokens: &[TokenTree]) -> Result<(Branch<'_>, &[TokenTree])> {
    let (pattern, rest) = parse_pattern(tokens)?;
    let (future, rest) = parse_future(&rest[1..], &rest[..1])?;
    let (guard, rest) = parse_guard(rest)?;
    let (handler, rest) = parse_handler(rest)?;
    Ok((Branch { pattern, future, guard, handler }, rest))
}

/// The pattern, and the rest from the `=` on.
fn parse_pattern(tokens: &[TokenTree]) -> Result<(&[TokenTree], &[TokenTree])> {
    if is_word(tokens.first(), "biased") && is_punct(tokens.get(1), ';') {
        return Err(Error::over(&tokens[..1], "`biased;` comes first, before the branches"));
    }
    if is_punct(tokens.first(), ',') {
        return Err(Error::over(&tokens[..1], format!("a branch is missing here: write {FORM}")));
    }
    let end = find_in_pattern(tokens, |tokens, at| {
        is_assign(tokens, at)
            || is_arrow(tokens, at)
            || is_comma(tokens, at)
            || is_punct(tokens.get(at), ';')
            || is_word(tokens.get(at), "if")
    });
    let Some(end) = end else {
        return Err(Error::over(tokens, format!("this is not a branch: write {FORM}")));
    };
    let pattern = &tokens[..end];
    if is_word(tokens.get(end), "if") {
        return Err(Error::over(
            &tokens[end..=end],
            "a guard stands behind the future, with a comma: write `<pattern> = <future>, if \
             <guard> => <handler>`",
        ));
    }
    if is_assign(tokens, end) && end > 0 {
        return Ok((pattern, &tokens[end..]));
    }
    if end == 0 {
        let what =
            "a pattern is missing here: write `_ = <future> => <handler>` to ignore the value";
        return Err(Error::over(&tokens[..1], what));
    }
    if matches!(pattern, [TokenTree::Ident(i)] if matches!(i.to_string().as_str(), "complete" | "default"))
    {
        return Err(Error::over(
            pattern,
            "write `else => <handler>` for when every branch is disabled (`biased;` and a last \
             branch `_ = std::future::ready(()) => ..` for when no other is ready)",
        ));
    }
    Err(Error::over(pattern, format!("`= <future>` is missing behind this: write {FORM}")))
}

/// The expression behind `equals`, and the rest from the `=>` or the `, if` on.
fn parse_future<'a>(
    tokens: &'a [TokenTree],
    equals: &[TokenTree],
) -> Result<(&'a [TokenTree], &'a [TokenTree])> {
    let starts_guard =
        |tokens: &[TokenTree], at| is_comma(tokens, at) && is_word(tokens.get(at + 1), "if");
    let end = find(tokens, |tokens, at| is_arrow(tokens, at) || starts_guard(tokens, at));
    let (future, rest) = tokens.split_at(end.unwrap_or(tokens.len()));
    if let Some(at) = find(future, is_thin_arrow) {
        return Err(Error::over(&future[at..at + 2], "write `=>` before the handler, not `->`"));
    }
    // A comma followed by another `=` means that this branch has ended without a handler.
    let comma = find(future, is_comma);
    let next = comma.is_some_and(|at| find(&future[at + 1..], is_assign).is_some());
    if end.is_none() || next {
        let future = &future[..comma.unwrap_or(future.len())];
        let at = if future.is_empty() { equals } else { future };
        return Err(Error::over(at, "`=> <handler>` is missing behind this future"));
    }
    if future.is_empty() {
        return Err(Error::over(equals, "a future is missing behind this `=`"));
    }
    for at in 1..future.len() {
        if is_word(future.get(at), "if") && ends_operand(future, at - 1) {
            return Err(Error::over(
                &future[at..=at],
                "write a comma before the guard: `<pattern> = <future>, if <guard> => <handler>`",
            ));
        }
    }
    Ok((future, rest))
}

/// The condition of `, if <guard>`, and the rest from the `=>` on.
fn parse_guard(tokens: &[TokenTree]) -> Result<(Option<&[TokenTree]>, &[TokenTree])> {
    if is_arrow(tokens, 0) {
        return Ok((None, tokens));
    }
    let (intro, tokens) = tokens.split_at(2);
    let end = find(tokens, |tokens, at| is_arrow(tokens, at) || is_comma(tokens, at));
    let (guard, rest) = tokens.split_at(end.unwrap_or(tokens.len()));
    if guard.is_empty() {
        return Err(Error::over(intro, "a condition is missing behind `if`"));
    }
    if is_word(guard.first(), "let") {
        return Err(Error::over(
            guard,
            "a guard is a `bool` and cannot bind: use `matches!(..)`, or match in the pattern",
        ));
    }
    if is_comma(rest, 0) && is_word(rest.get(1), "if") {
        return Err(Error::over(&rest[..2], "a branch has one guard: join the two with `&&`"));
    }
    if !is_arrow(rest, 0) {
        return Err(Error::over(guard, "`=> <handler>` is missing behind this guard"));
    }
    Ok((Some(guard), rest))
}

/// The handler behind `=>`, and the rest behind its comma, if it has one.
fn parse_handler(tokens: &[TokenTree]) -> Result<(&[TokenTree], &[TokenTree])> {
    let (arrow, tokens) = tokens.split_at(2);
    if tokens.is_empty() || is_comma(tokens, 0) {
        return Err(Error::over(
            arrow,
            "a handler is missing behind `=>`: write `{}` to do nothing",
        ));
    }
    // A block ends the branch by itself, unless a method is called on it.
    let goes_on = is_punct(tokens.get(1), '?')
        || (is_punct(tokens.get(1), '.') && !is_punct(tokens.get(2), '.'));
    let (handler, rest) = if group(tokens.first(), Delimiter::Brace).is_some() && !goes_on {
        tokens.split_at(1)
    } else {
        let end = find(tokens, is_comma).unwrap_or(tokens.len());
        tokens.split_at(end)
    };
    check_handler(handler)?;
    if is_punct(rest.first(), ';') {
        return Err(Error::over(&rest[..1], "branches are separated by commas: remove this `;`"));
    }
    if is_comma(rest, 0) {
        let rest = &rest[1..];
        if is_word(rest.first(), "if") {
            return Err(Error::over(
                &rest[..1],
                "a guard stands before the handler: write `<pattern> = <future>, if <guard> => \
                 <handler>`",
            ));
        }
        return Ok((handler, rest));
    }
    Ok((handler, rest))
}

/// A handler that reaches into the next branch lacks its comma.
fn check_handler(handler: &[TokenTree]) -> Result<()> {
    if let Some(at) = find(handler, |tokens, at| is_punct(tokens.get(at), ';')) {
        return Err(Error::over(
            &handler[at..=at],
            "branches are separated by commas: write `,` instead of `;`, or put the handler in braces",
        ));
    }
    let Some(arrow) = find(handler, is_arrow) else { return Ok(()) };
    let next = (1..arrow).find(|&at| starts_operand(handler, at) && ends_operand(handler, at - 1));
    let at = next.map_or(&handler[arrow..arrow + 2], |at| &handler[at..=at]);
    Err(Error::over(
        at,
        "a comma is missing before this branch: a handler that is not a block ends with one",
    ))
}

/// Whether `tokens[at]` is a word that starts something new when an operand has just ended.
fn starts_operand(tokens: &[TokenTree], at: usize) -> bool {
    match &tokens[at] {
        TokenTree::Ident(i) => !matches!(i.to_string().as_str(), "as" | "else" | "if"),
        TokenTree::Literal(_) => true,
        _ => false,
    }
}

/// Whether an operand ends with `tokens[at]`.
fn ends_operand(tokens: &[TokenTree], at: usize) -> bool {
    let is_member = at > 0 && is_punct(tokens.get(at - 1), '.');
    match &tokens[at] {
        TokenTree::Ident(i) => is_member || !crate::tokens::wants_operand(&i.to_string()),
        TokenTree::Punct(p) => p.as_char() == '?',
        TokenTree::Group(_) | TokenTree::Literal(_) => true,
    }
}
