//! Several futures in one pinned place: a list of pairs, since a tuple cannot be taken apart while it
//! is pinned without `unsafe`.
//!
//! One pointer to the list is all that the enclosing future keeps; the pointers to its parts are made
//! anew in each poll.

use proc_macro::TokenTree;

use crate::code::Code;

/// Makes each of `futures` by the text `make` (see [`Code::hole_about`]), in a statement of its own so
/// that the temporaries of one are gone before the next is made. Gives the list as an expression.
pub(crate) fn push_list(code: &mut Code, futures: &[&[TokenTree]], p: &str, make: &str) -> String {
    for (i, future) in futures.iter().enumerate() {
        let made = code.hole_about(future, p, &format!("let future{i} = {make};"));
        code.push(&made);
    }
    (0..futures.len())
        .rev()
        .fold("()".to_owned(), |rest, i| format!("{p}::List {{ head: future{i}, tail: {rest} }}"))
}

/// Makes `future0`, `future1`, .. out of the pinned list `rest`.
pub(crate) fn split_list(futures: usize, p: &str) -> String {
    (0..futures)
        .map(|i| {
            let rest = if i + 1 < futures { "rest" } else { "_" };
            format!("let (mut future{i}, {rest}) = {p}::split(rest);\n")
        })
        .collect()
}
