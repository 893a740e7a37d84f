#![allow(unused_imports)]

#[path = "../rt/mod.rs"]
mod rt;

use std::future::ready;

use rt::__private;

async fn no_comma_before_the_guard() {
    select! {
        x = ready(1) if true => x,
    }
}

async fn no_comma_before_the_guard_behind_a_block() {
    select! {
        x = async { 1 } if true => x,
    }
}

async fn guard_behind_the_pattern() {
    select! {
        x if x > 0 = ready(1) => x,
    }
}

async fn guard_behind_the_handler() {
    select! {
        x = ready(1) => x, if true
    }
}

async fn guard_behind_a_block() {
    select! {
        x = ready(1) => { x } if true
    }
}

async fn no_condition() {
    select! {
        x = ready(1), if => x,
    }
}

async fn two_guards() {
    select! {
        x = ready(1), if true, if false => x,
    }
}

async fn a_guard_that_binds() {
    select! {
        x = ready(1), if let Some(y) = Some(2) => x + y,
    }
}

async fn no_arrow_behind_the_guard() {
    select! {
        x = ready(1), if true { x }
    }
}

fn main() {}
