//! `#[main]` and `#[test]` against the stand-in runtime.
#![deny(warnings)]

mod rt;

use std::process::ExitCode;
use std::time::Duration;

use rt::__private::{Config, config};
use rt::turns;

mod mains {
    #![warn(clippy::pedantic)]
    use super::{Config, ExitCode, config, turns};

    #[corio_macros::main(crate = "crate::rt")]
    pub(crate) async fn plain() {
        turns(2).await;
        assert_eq!(config(), Config { multi_thread: true, ..Config::default() });
    }

    #[corio_macros::main(crate = crate::rt, flavor = "current_thread", cancel_on_ctrl_c = true,)]
    pub(crate) async fn current_thread() -> Config {
        config()
    }

    #[corio_macros::main(crate = "crate::rt", worker_threads = 4, start_paused = true, seed = 0xff)]
    pub(crate) async fn all() -> Config {
        config()
    }

    /// Its comment, its lints and its type stay.
    #[allow(unused_variables)]
    #[corio_macros::main(crate = "crate::rt")]
    #[allow(clippy::unnecessary_wraps)]
    pub(super) async fn fails() -> Result<ExitCode, Box<dyn std::error::Error>> {
        let unused = 1;
        let number: i32 = "x".parse()?;
        Ok(ExitCode::from(u8::try_from(number)?))
    }

    #[corio_macros::main(crate = "crate::rt")]
    pub(crate) async fn displays() -> impl std::fmt::Display {
        7
    }

    #[corio_macros::main(crate = "crate::rt")]
    pub(crate) async fn never() -> ! {
        loop {
            turns(1).await;
            assert!(config().seed.is_some(), "as it should");
        }
    }
}

#[test]
fn main_runs_the_body_with_the_options() {
    mains::plain();
    let config = Config { cancel_on_ctrl_c: true, ..Config::default() };
    assert_eq!(mains::current_thread(), config);
    let config = Config {
        multi_thread: true,
        worker_threads: Some(4),
        start_paused: true,
        seed: Some(255),
        ..Config::default()
    };
    assert_eq!(mains::all(), config);
    assert_eq!(mains::fails().unwrap_err().to_string(), "invalid digit found in string");
    assert_eq!(mains::displays().to_string(), "7");
    assert!(std::panic::catch_unwind(|| mains::never()).is_err());
}

#[corio_macros::test(crate = "rt")]
async fn test_is_current_thread() {
    assert_eq!(config(), Config::default());
    turns(1).await;
}

#[corio_macros::test(
    crate = "rt",
    flavor = "multi_thread",
    worker_threads = 2,
    seed = 7,
    start_paused = true,
    timeout = "1.5s"
)]
async fn test_takes_options() -> Result<(), String> {
    let config = config();
    assert!(config.multi_thread && config.start_paused && config.worker_threads == Some(2));
    assert_eq!((config.seed, config.timeout), (Some(7), Some(Duration::from_millis(1500))));
    Ok(())
}

#[corio_macros::test(crate = "rt")]
#[should_panic(expected = "as it should")]
async fn test_keeps_should_panic() {
    turns(1).await;
    panic!("as it should");
}

#[should_panic(expected = "as it should")]
#[corio_macros::test(crate = "rt", start_paused = true)]
async fn test_keeps_attributes_before_it() {
    assert!(config().start_paused, "not as it should");
    panic!("as it should");
}

/// An item of another macro arrives in pieces.
macro_rules! make {
    ($vis:vis $name:ident $seed:literal $output:ty $body:block) => {
        #[corio_macros::test(crate = "rt", seed = $seed)]
        $vis async fn $name() -> $output $body
    };
}
make!(pub(crate) from_a_macro 9 Result<(), String> {
    assert_eq!(config().seed, Some(9));
    Ok(())
});
make!(from_a_macro_too 0 () { turns(1).await });
