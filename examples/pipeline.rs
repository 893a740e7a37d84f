//! A pipeline: stages that run side by side, with bounded queues between them.
//!
//! Run it: `cargo run --release --example pipeline -- --items 200000 --workers 4`, or with numbers of your
//! own, one on a line: `seq 1000 >numbers; cargo run --release --example pipeline -- numbers`.
//!
//! You will see when the first item came through, how much each stage did by the time it was closed, and the
//! throughput of the whole. A stage that is slower than the one before holds it up as soon as the queue
//! between them is full. An error anywhere (write `x` for a number) ends all stages, and each still runs its
//! cleanup, which closes its queue and tells how far it came. Ctrl-C does the same.

#[path = "support/args.rs"]
mod args;

use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use corio::fs::File;
use corio::io::{AsyncBufReadExt, BufReader};
use corio::queue::{Queue, QueueShutDown, Shutdown};
use corio::time::Instant;
use corio::{TaskGroup, finally, task_group};

const HELP: &str = "\
pipeline [FILE] [OPTIONS]    counts the primes among the numbers in FILE, one on a line

--items N      without FILE: the numbers from 1 to N (100000)
--workers N    how many work in a stage (4)
--queue N      how many items may wait between two stages (64)";

/// Where a stage puts its items. When the stage has ended, however it has, the queue is closed, so that the
/// next one ends when it has worked off what is left.
struct Output<T> {
    queue: Queue<T>,
    count: AtomicU64,
}

impl<T: Send + 'static> Output<T> {
    async fn put(&self, item: T) -> io::Result<()> {
        // Waits while the queue is full: this is the back-pressure.
        let put = self.queue.put(item).await.map_err(QueueShutDown::from);
        put.map_err(io::Error::other)?;
        self.count.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// Starts a stage, which is `body`, and returns the queue with what it makes.
fn stage<T, B, F>(
    group: &TaskGroup<io::Error>,
    name: &'static str,
    queue: usize,
    body: B,
) -> Queue<T>
where
    T: Send + 'static,
    B: FnOnce(Arc<Output<T>>) -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let queue = Queue::bounded(queue);
    let output = Arc::new(Output { queue: queue.clone(), count: AtomicU64::new(0) });
    let body = body(output.clone());
    group.builder().name(name).spawn(finally(body, move || async move {
        output.queue.shutdown(Shutdown::Graceful);
        println!("{name}: closed after {} items", output.count.load(Relaxed));
    }));
    queue
}

/// The work of a stage with several workers: each takes from `input` and puts what `work` makes of it into
/// `output`. The stage is as slow as all of them together, and keeps no order.
async fn crew<I, O, W, F>(
    workers: usize,
    input: Queue<I>,
    output: Arc<Output<O>>,
    work: W,
) -> io::Result<()>
where
    I: Send + 'static,
    O: Send + 'static,
    W: Fn(I) -> F + Copy + Send + 'static,
    F: Future<Output = io::Result<O>> + Send + 'static,
{
    let crew = TaskGroup::<io::Error>::new();
    for _ in 0..workers {
        let (input, output) = (input.clone(), output.clone());
        drop(crew.spawn(async move {
            while let Ok(item) = input.get().await {
                output.put(work(item).await?).await?;
            }
            Ok(())
        }));
    }
    crew.join().await.map_err(io::Error::other)
}

/// A line of the input, and where it stands.
struct Line {
    number: u64,
    text: String,
}

/// The first stage: the lines of a file, or made-up ones.
async fn read(path: Option<String>, items: u64, output: Arc<Output<Line>>) -> io::Result<()> {
    let Some(path) = path else {
        for number in 1..=items {
            output.put(Line { number, text: number.to_string() }).await?;
        }
        return Ok(());
    };
    let mut lines = BufReader::new(File::open(&path).await?).lines().max_length(1000);
    let mut number = 0;
    while let Some(text) = lines.next_line().await? {
        number += 1;
        output.put(Line { number, text }).await?;
    }
    Ok(())
}

async fn parse(Line { number, text }: Line) -> io::Result<u32> {
    text.trim()
        .parse()
        .map_err(|error| io::Error::other(format!("line {number}: `{text}`: {error}")))
}

async fn is_prime(number: u32) -> io::Result<bool> {
    let mut divisors = (2..).take_while(|d| *d <= number / d);
    Ok(number > 1 && divisors.all(|d| number % d != 0))
}

#[corio::main(cancel_on_ctrl_c = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &["--items", "--workers", "--queue"])?;
    let path = args.word(0).map(str::to_owned);
    let items = args.option("--items", 100_000)?;
    let workers = args.option("--workers", 4)?;
    let queue = args.option("--queue", 64)?;
    if workers == 0 || queue == 0 {
        return Err("--workers and --queue must be at least 1".into());
    }

    let start = Instant::now();
    let pipeline = task_group(|group: TaskGroup<io::Error>| async move {
        let lines = stage(&group, "read", queue, |output| read(path, items, output));
        let numbers = stage(&group, "parse", queue, |output| crew(workers, lines, output, parse));
        let found = stage(&group, "test", queue, |output| crew(workers, numbers, output, is_prime));
        // The last stage is here: an error in another one drops it.
        let (mut count, mut primes) = (0_u64, 0_u64);
        while let Ok(is_prime) = found.get().await {
            if count == 0 {
                println!("the first came through after {:.2?}", start.elapsed());
            }
            count += 1;
            primes += u64::from(is_prime);
        }
        Ok((count, primes))
    });
    let (count, primes) = match pipeline.await {
        Ok(counts) => counts,
        Err(error) => return Err(error.to_string().into()),
    };
    let time = start.elapsed().max(Duration::from_nanos(1));
    let rate = count as f64 / time.as_secs_f64();
    println!("{count} numbers, {primes} of them prime, in {time:.2?}: {rate:.0} items/s");
    Ok(())
}
