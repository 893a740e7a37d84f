//! The procedural macros of corio.
//!
//! Users reach them through the `corio` crate, where they are documented: `#[corio::main]` and
//! `#[corio::test]` are re-exports, `corio::select!`, `corio::join!` and `corio::try_join!` are
//! wrappers that put the path of the crate in front of the input.
//!
//! Nothing here parses Rust as a whole. A function header and a list of branches are found by their
//! punctuation, and what lies between is handed back to the compiler token by token, with the spans
//! it came with. So the crate has no dependencies, and the compiler reports errors in the user's
//! expressions at the user's own tokens.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

mod code;
mod entry;
mod error;
mod join;
mod list;
mod options;
mod select;
mod tokens;

/// Runs an `async fn main` on a corio runtime: `#[corio::main]`.
///
/// Options: `flavor`, `worker_threads`, `cancel_on_ctrl_c`, `start_paused`, `seed`, `crate`.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(options::Kind::Main, options, item)
}

/// Makes an `async fn` a test that runs on a corio runtime of its own: `#[corio::test]`.
///
/// Options: `flavor`, `worker_threads`, `start_paused`, `seed`, `timeout`, `crate`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(options::Kind::Test, options, item)
}

/// What `corio::select!` expands to; its input is `<path of corio>; <branches>`.
#[doc(hidden)]
#[proc_macro]
pub fn select_impl(input: TokenStream) -> TokenStream {
    select::expand(input).unwrap_or_else(error::Error::into_tokens)
}

/// What `corio::join!` expands to; its input is `<path of corio>; <futures>`.
#[doc(hidden)]
#[proc_macro]
pub fn join_impl(input: TokenStream) -> TokenStream {
    join::expand(join::Kind::Join, input).unwrap_or_else(error::Error::into_tokens)
}

/// What `corio::try_join!` expands to; its input is `<path of corio>; <futures>`.
#[doc(hidden)]
#[proc_macro]
pub fn try_join_impl(input: TokenStream) -> TokenStream {
    join::expand(join::Kind::TryJoin, input).unwrap_or_else(error::Error::into_tokens)
}
