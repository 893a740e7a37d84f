#![allow(unused_imports)]

#[path = "../rt/mod.rs"]
mod rt;

use std::future::ready;

use rt::__private;

async fn semicolon() {
    join!(ready(1); ready(2));
}

async fn two_commas() {
    join!(ready(1), ready(2),, ready(3));
}

async fn leading_comma() {
    try_join!(, ready(Ok::<(), ()>(())));
}

async fn handlers() {
    join!(x = ready(1) => x);
}

fn main() {}
