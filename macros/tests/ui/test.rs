#[path = "../rt/mod.rs"]
mod rt;

#[corio_macros::test(crate = "rt")]
fn no_async() {}

#[corio_macros::test(crate = "rt")]
async fn arguments(port: u16) {}

#[corio_macros::test(crate = "rt")]
#[test]
async fn second_test() {}

#[corio_macros::test(crate = "rt")]
#[should_panic]
#[core::prelude::v1::test]
async fn second_test_by_path() {}

#[corio_macros::test(crate = "rt", cancel_on_ctrl_c = true)]
async fn option_of_main() {}

#[corio_macros::test(crate = "rt", paused = true)]
async fn unknown() {}

#[corio_macros::test(crate = "rt", worker_threads = 2)]
async fn workers_of_current_thread() {}

#[corio_macros::test(crate = "rt", timeout = 5)]
async fn timeout_without_unit() {}

#[corio_macros::test(crate = "rt", timeout = "5 parsecs")]
async fn timeout_with_wrong_unit() {}

#[corio_macros::test(crate = "rt", timeout = "0s")]
async fn no_time() {}

mod trait_with_a_test {
    trait Tests {
        #[corio_macros::test(crate = "rt")]
        async fn no_body();
    }
}

fn main() {}
