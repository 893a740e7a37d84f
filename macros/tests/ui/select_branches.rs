#![allow(unused_imports)]

#[path = "../rt/mod.rs"]
mod rt;

use std::future::ready;

use rt::__private;

async fn no_branch() {
    select! {}
}

async fn no_branch_behind_biased() {
    select! { biased; }
}

async fn biased_without_semicolon() {
    select! { biased, x = ready(1) => x }
}

async fn biased_in_the_middle() {
    select! {
        x = ready(1) => x,
        biased;
    }
}

async fn no_future() {
    select! {
        x => 1,
    }
}

async fn nothing_but_a_future() {
    select! {
        ready(1),
    }
}

async fn nothing_but_a_future_at_the_end() {
    select! { ready(1) }
}

async fn no_pattern() {
    select! {
        = ready(1) => 1,
    }
}

async fn empty_future() {
    select! {
        x = => x,
    }
}

async fn no_arrow() {
    select! {
        x = ready(1),
        y = ready(2) => y,
    }
}

async fn no_arrow_at_the_end() {
    select! {
        x = ready(1) => x,
        y = ready::<i32>(2)
    }
}

async fn fat_arrow_is_thin() {
    select! {
        x = ready(1) -> x,
    }
}

async fn leading_comma() {
    select! {
        , x = ready(1) => x
    }
}

async fn two_commas() {
    select! {
        x = ready(1) => x,,
    }
}

async fn else_in_the_middle() {
    select! {
        x = ready(1) => x,
        else => 2,
        y = ready(3) => y,
    }
}

async fn else_without_arrow() {
    select! {
        x = ready(1) => x,
        else { 2 }
    }
}

async fn words_of_another_crate() {
    select! {
        x = ready(1) => x,
        default => 2,
    }
}

fn main() {}
