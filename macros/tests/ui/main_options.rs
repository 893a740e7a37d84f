#[path = "../rt/mod.rs"]
mod rt;

#[corio_macros::main(crate = "rt", worker_thread = 4)]
async fn unknown() {}

#[corio_macros::main(crate = "rt", current_thread)]
async fn bare_flavor() {}

#[corio_macros::main(crate = "rt", timeout = "5s")]
async fn option_of_test() {}

#[corio_macros::main(crate = "rt", flavor = multi_thread)]
async fn flavor_without_quotes() {}

#[corio_macros::main(crate = "rt", flavor = "threaded")]
async fn flavor_unknown() {}

#[corio_macros::main(crate = "rt", worker_threads = "4")]
async fn number_in_quotes() {}

#[corio_macros::main(crate = "rt", worker_threads = 0)]
async fn no_workers() {}

#[corio_macros::main(crate = "rt", worker_threads = -1)]
async fn negative() {}

#[corio_macros::main(crate = "rt", worker_threads = 1.5)]
async fn fraction() {}

#[corio_macros::main(crate = "rt", worker_threads = 1_000_000)]
async fn far_too_many() {}

#[corio_macros::main(crate = "rt", flavor = "current_thread", worker_threads = 2)]
async fn workers_of_current_thread() {}

#[corio_macros::main(crate = "rt", start_paused = true)]
async fn paused_by_default() {}

#[corio_macros::main(crate = "rt", flavor = "multi_thread", start_paused = true)]
async fn paused_multi_thread() {}

#[corio_macros::main(crate = "rt", start_paused = "yes")]
async fn not_a_bool() {}

#[corio_macros::main(crate = "rt", cancel_on_ctrl_c)]
async fn no_value() {}

#[corio_macros::main(crate = "rt", cancel_on_ctrl_c = )]
async fn value_missing() {}

#[corio_macros::main(crate = "rt", seed = 18446744073709551616)]
async fn seed_too_large() {}

#[corio_macros::main(crate = "rt", seed = 1, seed = 2)]
async fn twice() {}

#[corio_macros::main(crate = "rt", seed = 1 worker_threads = 2)]
async fn no_comma() {}

#[corio_macros::main(crate = 7)]
async fn crate_is_a_number() {}

#[corio_macros::main(crate = "my corio!")]
async fn crate_is_no_path() {}

#[corio_macros::main("rt")]
async fn no_name() {}

fn main() {}
