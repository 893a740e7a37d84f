//! Random trees of groups, timeouts, scopes, shields, races and cancels, from seeds: when the root is
//! done, every child that started has ended, and every cleanup that was owed has run exactly once.
//! C01, C04, C05, C12 in every order that the seeds give.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::{
    CancelScope, Ready, TaskGroup, as_completed, catch_cancel, finally, gather, race, scope,
    shield, task_group, timeout_scope, try_gather,
};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, spawn_blocking, yield_now};
use corio_sync::prim::Mutex;

type Outcome = Result<(), &'static str>;
type Node = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The choices of one run (xorshift).
#[derive(Clone)]
struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn fork(&mut self) -> Self {
        Self::new(self.below(u64::MAX))
    }

    fn moment(&mut self) -> Duration {
        Duration::from_micros(self.below(400))
    }
}

/// What happened to each node.
#[derive(Clone, Copy, Default)]
struct Record {
    parent: usize,
    started: u32,
    ended: u32,
    owed: u32,
    cleaned: u32,
}

#[derive(Default)]
struct World {
    records: Mutex<Vec<Record>>,
    /// Some things are dropped and left to the task, which waits for them at its end only.
    loose: bool,
    /// What was found wrong on the way.
    wrong: Mutex<Vec<String>>,
    /// Tasks behind shields, which outlive their waiters.
    detached: AtomicUsize,
}

impl World {
    fn add(&self, parent: usize) -> Option<usize> {
        let mut records = self.records.lock();
        records.push(Record { parent, ..Record::default() });
        (records.len() <= 300).then_some(records.len() - 1)
    }

    fn note(&self, id: usize, what: impl FnOnce(&mut Record)) {
        what(&mut self.records.lock()[id]);
    }

    /// Everything below `top` that started has ended, and everything owed was done once.
    fn check(&self, top: usize) -> Result<(), String> {
        let records = self.records.lock();
        for (id, r) in records.iter().enumerate() {
            // Parents come before their children; the root is its own.
            let mut above = r.parent;
            while above > top {
                above = records[above].parent;
            }
            if above != top || (id == top && id > 0) {
                continue;
            }
            if r.started != r.ended || r.started > 1 {
                return Err(format!("node {id} started {} times, ended {}", r.started, r.ended));
            }
            if r.owed != r.cleaned || r.owed > 1 {
                return Err(format!("node {id} owed {} cleanups, {} ran", r.owed, r.cleaned));
            }
        }
        Ok(())
    }

    fn check_below(&self, id: usize) -> Result<(), String> {
        if id == 0 || self.loose { Ok(()) } else { self.check(id) }
    }
}

/// A node is in its body.
struct Running(Arc<World>, usize);

impl Running {
    fn start(world: &Arc<World>, id: usize) -> Self {
        world.note(id, |r| r.started += 1);
        Self(world.clone(), id)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.note(self.1, |r| r.ended += 1);
    }
}

/// A random node with what is below it.
fn node(world: &Arc<World>, parent: usize, mut rng: Rng, depth: u32) -> Node {
    let Some(id) = world.add(parent) else { return Box::pin(async { Ok(()) }) };
    let with_cleanup = rng.below(2) == 0;
    let mut cleanup_rng = rng.fork();
    let (theirs, owner) = (world.clone(), world.clone());
    let body = async move {
        let running = Running::start(&theirs, id);
        if with_cleanup {
            theirs.note(id, |r| r.owed += 1);
        }
        let outcome = body(&theirs, id, rng, depth).await;
        // Whatever it was, it has waited for what was in it.
        if let Err(wrong) = theirs.check_below(id) {
            theirs.wrong.lock().push(format!("when node {id} returned: {wrong}"));
        }
        drop(running);
        outcome
    };
    if !with_cleanup {
        return Box::pin(body);
    }
    let pause = cleanup_rng.below(3);
    Box::pin(finally(body, move || async move {
        match pause {
            0 => yield_now().await,
            1 => sleep(cleanup_rng.moment()).await,
            _ => {}
        }
        // Cleanup code may use all of this, too.
        if cleanup_rng.below(4) == 0 {
            let _ = timeout(cleanup_rng.moment(), sleep(cleanup_rng.moment())).await;
            let _ = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(yield_now()));
                Ok(())
            })
            .await;
        }
        owner.note(id, |r| r.cleaned += 1);
    }))
}

fn children(world: &Arc<World>, id: usize, rng: &mut Rng, depth: u32) -> Vec<Node> {
    let count = 1 + rng.below(4);
    (0..count).map(|_| node(world, id, rng.fork(), depth - 1)).collect()
}

async fn leaf(mut rng: Rng) -> Outcome {
    match rng.below(6) {
        0 => yield_now().await,
        1 | 2 => sleep(rng.moment()).await,
        3 => {
            let nap = rng.moment();
            let _ = spawn_blocking(move || std::thread::sleep(nap / 4)).await;
        }
        _ => {}
    }
    match rng.below(12) {
        0 => Err("planned"),
        // Without the panic hook's noise.
        1 => resume_unwind(Box::new("planned")),
        2 => {
            corio_runtime::task::current().cancel();
            yield_now().await;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn in_group(world: Arc<World>, id: usize, mut rng: Rng, depth: u32) -> Outcome {
    let nodes = children(&world, id, &mut rng, depth);
    let result = task_group(|group: TaskGroup<&'static str>| async move {
        let mut tasks = Vec::new();
        for node in nodes {
            if rng.below(5) == 0 {
                let nap = rng.moment();
                let started = group.try_start(move |ready: Ready<()>| async move {
                    sleep(nap).await;
                    ready.set(());
                    node.await
                });
                let _ = started.await;
            } else {
                tasks.push(group.spawn(node));
            }
        }
        match rng.below(6) {
            0 => drop(tasks),
            1 => {
                for task in tasks {
                    let _ = task.await;
                }
            }
            2 => {
                sleep(rng.moment()).await;
                for task in &tasks {
                    task.cancel();
                }
            }
            3 => {
                sleep(rng.moment()).await;
                group.cancel();
            }
            4 => while group.next().await.is_some() {},
            _ => return Err("the body"),
        }
        Ok(())
    });
    result.await.map_err(|_| "a group failed")
}

async fn in_owned_group(world: Arc<World>, id: usize, mut rng: Rng, depth: u32) -> Outcome {
    let group = TaskGroup::<&'static str>::with_limit(1 + rng.below(3) as usize);
    for node in children(&world, id, &mut rng, depth) {
        drop(group.spawn(node));
    }
    match rng.below(3) {
        0 if world.loose => drop(group),
        1 => {
            let _ = timeout(rng.moment(), group.join()).await;
        }
        _ => return group.join().await.map_err(|_| "a group failed"),
    }
    Ok(())
}

async fn in_scope(world: Arc<World>, id: usize, mut rng: Rng, depth: u32) -> Outcome {
    let node = node(&world, id, rng.fork(), depth - 1);
    let mut scope = CancelScope::new().shield(rng.below(3) == 0);
    if rng.below(2) == 0 {
        scope = scope.deadline(Instant::now() + rng.moment());
    }
    let handle = scope.handle();
    let (nap, act) = (rng.moment(), rng.below(4));
    let meddle = spawn(async move {
        sleep(nap).await;
        match act {
            0 => handle.cancel(),
            1 => handle.set_shield(false),
            2 => handle.reschedule(Instant::now() + nap),
            _ => handle.set_shield(true),
        }
    });
    let output = scope.run(node).await;
    let _ = meddle.await;
    output.unwrap_or(Ok(()))
}

/// One construct with nodes in it.
async fn body(world: &Arc<World>, id: usize, mut rng: Rng, depth: u32) -> Outcome {
    if depth == 0 {
        return leaf(rng).await;
    }
    let world = world.clone();
    match rng.below(13) {
        0..=2 => in_group(world, id, rng, depth).await,
        3 => in_owned_group(world, id, rng, depth).await,
        4 => in_scope(world, id, rng, depth).await,
        5 => {
            let limit = rng.moment();
            timeout(limit, node(&world, id, rng.fork(), depth - 1)).await.unwrap_or(Err("elapsed"))
        }
        6 => {
            let (limit, more) = (rng.moment(), rng.moment());
            let node = node(&world, id, rng.fork(), depth - 1);
            let limited = timeout_scope(limit, |scope| async move {
                yield_now().await;
                scope.reschedule(Instant::now() + more);
                node.await
            });
            limited.await.unwrap_or(Ok(()))
        }
        7 => catch_cancel(node(&world, id, rng.fork(), depth - 1)).await.unwrap_or(Ok(())),
        8 => {
            let nodes = children(&world, id, &mut rng, depth);
            match rng.below(4) {
                0 => gather(nodes).await.into_iter().collect(),
                1 => try_gather(nodes).await.map(drop),
                2 => race(nodes).await,
                3 if world.loose => as_completed(nodes).next().await.unwrap_or(Ok(())),
                _ => {
                    let mut outputs = as_completed(nodes);
                    while outputs.next().await.is_some() {}
                    Ok(())
                }
            }
        }
        9 => {
            let nodes = children(&world, id, &mut rng, depth);
            scope(async |s| {
                for node in nodes {
                    s.spawn(node);
                }
                sleep(rng.moment()).await;
                if rng.below(3) == 0 {
                    s.cancel();
                }
            })
            .await;
            Ok(())
        }
        10 => {
            let nap = rng.moment();
            owned(spawn(node(&world, id, rng.fork(), depth - 1)), nap).await
        }
        11 if world.loose => {
            let node = node(&world, id, rng.fork(), depth - 1);
            let theirs = world.clone();
            theirs.detached.fetch_add(1, Ordering::SeqCst);
            struct Gone(Arc<World>);
            impl Drop for Gone {
                fn drop(&mut self) {
                    self.0.detached.fetch_sub(1, Ordering::SeqCst);
                }
            }
            let gone = Gone(theirs);
            let shielded = shield(finally(node, move || async move { drop(gone) }));
            shielded.await.unwrap_or(Ok(()))
        }
        _ => leaf(rng).await,
    }
}

/// Cancels a task after a while and awaits it; dropped earlier, it does so too.
fn owned(
    task: corio_runtime::Task<Outcome>,
    nap: Duration,
) -> impl Future<Output = Outcome> + Send {
    let canceller = task.canceller();
    let (done, is_done) = corio_sync::oneshot::channel();
    task.on_done(move || {
        let _ = done.send(());
    });
    let body = async move {
        sleep(nap).await;
        task.cancel();
        task.await.unwrap_or(Ok(()))
    };
    finally(body, move || async move {
        canceller.cancel();
        let _ = is_done.await;
    })
}

/// Runs the tree of one seed; says what is wrong when the root is done.
fn run(runtime: &Runtime, seed: u64) {
    let world = Arc::new(World { loose: seed % 2 == 1, ..World::default() });
    let theirs = world.clone();
    runtime.block_on(async move {
        let mut rng = Rng::new(seed);
        let root = spawn(node(&theirs, 0, rng.fork(), 4));
        if rng.below(2) == 0 {
            sleep(rng.moment() * 2).await;
            root.cancel();
        }
        let _ = root.await;
        while theirs.detached.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_micros(100)).await;
        }
    });
    if let Err(wrong) = world.check(0) {
        panic!("seed {seed}: {wrong}");
    }
    if let Some(wrong) = world.wrong.lock().first() {
        panic!("seed {seed}: {wrong}");
    }
}

/// How many seeds; more with `CORIO_STRESS=n`, which multiplies them.
fn seeds(few: u64) -> u64 {
    few * std::env::var("CORIO_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn trees_on_one_thread_in_virtual_time() {
    for seed in 0..seeds(400) {
        let runtime = Builder::new_current_thread().start_paused(true).seed(seed).build().unwrap();
        run(&runtime, seed);
    }
}

#[test]
fn trees_on_one_thread() {
    let runtime = Builder::new_current_thread().build().unwrap();
    for seed in 1000..1000 + seeds(150) {
        run(&runtime, seed);
    }
}

#[test]
fn trees_on_two_workers() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for seed in 2000..2000 + seeds(300) {
        run(&runtime, seed);
    }
}

#[test]
fn trees_side_by_side_on_three_workers() {
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    for seed in 3000..3000 + seeds(30) {
        std::thread::scope(|threads| {
            for i in 0..4 {
                let runtime = &runtime;
                threads.spawn(move || run(runtime, seed * 4 + i));
            }
        });
    }
}
