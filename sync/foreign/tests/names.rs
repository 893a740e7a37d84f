//! Programs that were written for tokio's primitives, once with those and once with corio's: the same text
//! compiles, and does the same. What `docs/coming-from-tokio.md` says has another name is not in it.

#[path = "names"]
mod tokio_has {
    use tokio::sync;
    mod programs;
}

#[allow(clippy::duplicate_mod, reason = "the same programs, with other primitives")]
#[path = "names"]
mod corio_has {
    use corio_sync as sync;
    mod programs;
}
