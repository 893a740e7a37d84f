//! futures: asyncio's `Future` is corio's `Promise`.

mod callbacks;
mod outcome;
mod threads;
