//! `select!`.
//!
//! ```text
//! {
//!     enum Out<T0, T1> { B0(T0), B1(T1), Disabled }
//!     let out = {
//!         let mut enabled = ..;            // a bit for each branch; guards clear theirs
//!         let select = pin!(Select::new(enabled, (future0, (future1, ()))));
//!         poll_here(move |cx| {
//!             ..                           // polls the enabled branches
//!             match empty_catching(select, ..) {    // drops the futures, and catches ..
//!                 None => Poll::Ready(out),
//!                 Some(owed) => owe(..),            // .. what they owe, which is polled first
//!             }
//!         }).await
//!     };
//!     match out { B0(pattern) => handler, .. }
//! }
//! ```
//!
//! The handlers stand outside every loop and closure of the expansion, so that `break`, `continue`,
//! `return` and `?` mean what they say; and outside the scope of the futures, whose borrows and
//! whose place in the enclosing future end before a handler starts.

use proc_macro::TokenStream;

use crate::code::Code;
use crate::error::Result;
use crate::list::{push_list, split_list};
use crate::tokens::Input;

mod parse;

use parse::{Branch, Select};

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let Input { private, tokens } = Input::parse(input)?;
    let select = Select::parse(&tokens)?;
    let mut code = Code::default();
    let p = code.hole(private);
    if select.branches.is_empty() {
        let otherwise = code.hole(select.otherwise.unwrap_or_default().iter().cloned());
        code.push(&otherwise);
        return Ok(code.finish_hygienic());
    }
    code.push("{");
    push_out_type(&mut code, select.branches.len());
    code.push("let out = {");
    push_futures(&mut code, &select, &p);
    push_poll(&mut code, &select, &p);
    code.push("};");
    push_match(&mut code, &select, &p);
    code.push("}");
    Ok(code.finish_hygienic())
}

/// The enum that carries the winner's output. Items have no hygiene, hence the name.
const OUT: &str = "__CorioSelectOut";

fn push_out_type(code: &mut Code, branches: usize) {
    let types = (0..branches).map(|i| format!("T{i}, ")).collect::<String>();
    let variants = (0..branches).map(|i| format!("B{i}(T{i}), ")).collect::<String>();
    code.push(&format!("enum {OUT}<{types}> {{ {variants} Disabled }}"));
}

/// First all guards, then all futures: also those of disabled branches, which are not polled.
fn push_futures(code: &mut Code, select: &Select<'_>, p: &str) {
    let branches = select.branches.len();
    let all = u64::MAX >> (64 - branches);
    // Up to 32 bits fit into the padding behind the tag of `Select`.
    let bits = if branches <= 32 { "u32" } else { "u64" };
    let guarded = select.branches.iter().any(|branch| branch.guard.is_some());
    let mutable = if guarded { "mut" } else { "" };
    code.push(&format!("let {mutable} enabled: {bits} = {all};"));
    for (i, branch) in select.branches.iter().enumerate() {
        if let Some(guard) = branch.guard {
            let guard = code.hole(guard.iter().cloned());
            let mask = 1_u64 << i;
            code.push(&format!("let guard: bool = {guard}; if !guard {{ enabled &= !{mask}; }}"));
        }
    }
    let futures: Vec<_> = select.branches.iter().map(|branch| branch.future).collect();
    let list = push_list(code, &futures, p, "::core::future::IntoFuture::into_future({tokens})");
    code.push(&format!("let mut select = ::core::pin::pin!({p}::Select::new(enabled, {list}));"));
}

fn push_poll(code: &mut Code, select: &Select<'_>, p: &str) {
    let branches = select.branches.len();
    let split = split_list(branches, p);
    code.push(&format!(
        "#[allow(unreachable_code, unreachable_patterns, unused_mut, unused_variables)]
        let out = {p}::poll_here(move |cx| {{
            if {p}::poll_budget(cx).is_pending() {{ return ::core::task::Poll::Pending; }}
            let out = 'out: {{
                let ::core::option::Option::Some((enabled, rest)) =
                    {p}::running(select.as_mut())
                else {{
                    return {p}::poll_owing(select.as_mut(), cx);
                }};
                {split}"
    ));
    if select.biased || branches == 1 {
        for (i, branch) in select.branches.iter().enumerate() {
            push_poll_one(code, i, branch, p);
        }
    } else {
        code.push(&format!(
            "let mut branch = {p}::first_branch({branches});
            for _ in 0..{branches} {{
                match branch {{"
        ));
        for (i, branch) in select.branches.iter().enumerate() {
            let pattern = if i + 1 < branches { i.to_string() } else { "_".to_owned() };
            code.push(&format!("{pattern} => {{"));
            push_poll_one(code, i, branch, p);
            code.push("}");
        }
        let last = branches - 1;
        code.push(&format!("}} branch = if branch < {last} {{ branch + 1 }} else {{ 0 }}; }}"));
    }
    code.push(&format!(
        "       if *enabled != 0 {{ return ::core::task::Poll::Pending; }}
                {OUT}::Disabled
            }};
            let owed = {p}::empty_catching(select.as_mut(), |mut select| {{
                select.set({p}::Select::Done);
            }});
            match owed {{
                ::core::option::Option::None => ::core::task::Poll::Ready(out),
                ::core::option::Option::Some(owed) => {p}::owe(select.as_mut(), out, owed, cx),
            }}
        }}).await;
        out"
    ));
}

/// Polls one branch; leaves with its output if that matches the pattern.
///
/// The pattern must be tried here, where the poll can go on, and again at the handler, which is out
/// of reach of a closure. Trying it must not take the value apart: so the arm has a guard that notes
/// the match and then declines, and a body that diverges. To the borrow checker the value is whole
/// behind the `match`, whatever the pattern binds and how.
fn push_poll_one(code: &mut Code, i: usize, branch: &Branch<'_>, p: &str) {
    let mask = 1_u64 << i;
    let poll = format!("::core::future::Future::poll(future{i}.as_mut(), cx)");
    let poll = code.hole_about(branch.future, p, &poll);
    code.push(&format!(
        "if *enabled & {mask} != 0 {{
            if let ::core::task::Poll::Ready(value) = {poll} {{"
    ));
    if branch.may_mismatch() {
        let pattern = code.hole(branch.pattern.iter().cloned());
        code.push(&format!(
            "*enabled &= !{mask};
            let mut value = value;
            let mut matches = false;
            match value {{
                {pattern} if {{ matches = true; false }} => ::core::unreachable!(),
                _ => {{}}
            }}
            if matches {{ break 'out {OUT}::B{i}(value); }}"
        ));
    } else {
        code.push(&format!("break 'out {OUT}::B{i}(value);"));
    }
    code.push("} }");
}

fn push_match(code: &mut Code, select: &Select<'_>, p: &str) {
    // Mutable for patterns with `ref mut`.
    code.push("#[allow(unused_mut)] let mut out = out; match out {");
    for (i, branch) in select.branches.iter().enumerate() {
        let pattern = code.hole(branch.pattern.iter().cloned());
        let handler = code.hole(branch.handler.iter().cloned());
        code.push(&format!("{OUT}::B{i}({pattern}) => {handler},"));
    }
    match select.otherwise {
        Some(handler) => {
            let handler = code.hole(handler.iter().cloned());
            code.push(&format!("{OUT}::Disabled => {handler},"));
        }
        None => code.push(&format!("{OUT}::Disabled => {p}::all_disabled(),")),
    }
    code.push(
        "#[allow(unreachable_patterns)]
        _ => ::core::unreachable!(\"a value that matched its pattern no longer does\"),
        }",
    );
}
