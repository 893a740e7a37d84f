//! The few kernel calls that std has no name for.
//!
//! Invariants that the `unsafe` blocks rely on:
//!
//! - **Y1** Every pointer handed to the kernel comes from a reference that outlives the call.
//! - **Y2** An `Epoll`'s descriptor is open for as long as the `Epoll` lives: an `OwnedFd` holds it.
//! - **Y3** The structures handed over are plain old data, for which all-zero bytes are a value.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Turns a system call's -1 into the error that `errno` tells.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The processors that this process may use, as it was started.
fn processors() -> &'static [usize] {
    static PROCESSORS: OnceLock<Vec<usize>> = OnceLock::new();
    PROCESSORS.get_or_init(|| {
        // SAFETY: `cpu_set_t` is plain old data (Y3).
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` outlives the call and has the size that is told (Y1).
        let known = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) } == 0;
        let all = 0..if known { libc::CPU_SETSIZE as usize } else { 0 };
        // SAFETY: the number is less than `CPU_SETSIZE`, so it is a bit of the set.
        all.filter(|processor| unsafe { libc::CPU_ISSET(*processor, &set) }).collect()
    })
}

/// Keeps this thread, and those it starts, on one processor: that of number `index` among those which this
/// process may use. Where there are fewer, nothing happens.
pub(crate) fn stay_on_processor(index: usize) {
    let Some(processor) = processors().get(index) else { return };
    // SAFETY: `cpu_set_t` is plain old data (Y3).
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the processor was in a set of this size.
    unsafe { libc::CPU_SET(*processor, &mut set) };
    // If it fails the kernel chooses, as it does otherwise.
    // SAFETY: `set` outlives the call and has the size that is told (Y1).
    let _ = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) };
}

/// Starts a thread on the second processor, to work beside one that stays on the first.
pub(crate) fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    std::thread::spawn(|| {
        stay_on_processor(1);
        work()
    })
}

/// Where two threads wait for each other before they begin. It takes a thread longer to start than to
/// take a lock a thousand times: who did not wait would be measured alone.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    here: AtomicUsize,
}

impl Meeting {
    /// Waits for the other, without sleeping: who slept would begin a wake-up later.
    pub(crate) fn wait(&self) {
        // Ordering: Relaxed, nothing is handed over.
        self.here.fetch_add(1, Ordering::Relaxed);
        while self.here.load(Ordering::Relaxed) < 2 {
            // On a machine with one processor the other needs it.
            std::thread::yield_now();
        }
    }
}

/// CPU time, user and system, that process `pid` has used since it began; 0 means this process.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: `clock` outlives the call (Y1).
    let error = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call (Y1).
    check(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// CPU time, user and system, of all children that ended and were waited for.
pub(crate) fn cpu_time_of_ended_children() -> io::Result<Duration> {
    // SAFETY: `rusage` is plain old data (Y3).
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` outlives the call (Y1).
    check(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) })?;
    let micros = |time: libc::timeval| (time.tv_sec * 1_000_000 + time.tv_usec) as u64;
    Ok(Duration::from_micros(micros(usage.ru_utime) + micros(usage.ru_stime)))
}

/// The time that all processors of the machine have spent on anything, and on nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineTime {
    /// On tasks, interrupts and other guests of the host.
    pub(crate) busy: Duration,
    /// On nothing.
    pub(crate) idle: Duration,
}

impl MachineTime {
    /// Reads the times since the machine started.
    pub(crate) fn now() -> io::Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        // SAFETY: takes no pointer.
        let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as u64;
        Self::parse(&stat, per_second)
            .ok_or_else(|| io::Error::other("/proc/stat has no line for all processors"))
    }

    /// The first line holds ticks: user, nice, system, idle, waiting for disks, two kinds of
    /// interrupts, and stolen by other guests. What follows is counted in these already.
    fn parse(stat: &str, per_second: u64) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line.split_whitespace().take(8).flat_map(str::parse).collect();
        let [user, nice, system, idle, waiting, hard, soft, stolen] = ticks[..] else {
            return None;
        };
        let time = |ticks: u64| Duration::from_millis(ticks * 1000 / per_second);
        let busy = time(user + nice + system + hard + soft + stolen);
        Some(Self { busy, idle: time(idle + waiting) })
    }
}

/// Bytes of memory that process `pid` has resident.
pub(crate) fn resident_bytes(pid: u32) -> io::Result<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    // SAFETY: takes no pointer.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    pages.map(|pages| pages * page).ok_or_else(|| io::Error::other(format!("statm says {statm:?}")))
}

/// Bytes that this process has allocated on its heap and not freed, as the allocator counts them.
///
/// Resident memory is counted in pages, too coarse for a few thousand small things.
#[cfg(target_env = "gnu")]
pub(crate) fn heap_bytes() -> io::Result<u64> {
    // SAFETY: takes no pointer.
    let info = unsafe { libc::mallinfo2() };
    Ok((info.uordblks + info.hblkhd) as u64)
}

/// Only glibc's allocator can be asked.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn heap_bytes() -> io::Result<u64> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Raises the limit on open files to what the administrator allows.
pub(crate) fn raise_open_file_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call (Y1).
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` outlives the call (Y1).
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    Ok(limit.rlim_cur)
}

/// Makes the kernel end this process after `seconds`, and when its parent ends before that.
///
/// No measurement can then hang, whatever the runtime under test does.
pub(crate) fn end_after(seconds: u32) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    // SAFETY: takes no pointer.
    unsafe { libc::alarm(seconds) };
    Ok(())
}

/// Opens a TCP connection to 127.0.0.1:`port` from the loopback address `source`.
///
/// Each source address has its own ports, so that a long series of short connections does not run
/// out of them while the old ones wait out their `TIME_WAIT`.
pub(crate) fn connect_from(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    // SAFETY: takes no pointer.
    let fd =
        check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: `fd` was opened above and nobody else knows it.
    let stream = unsafe { TcpStream::from_raw_fd(fd) };
    let one: libc::c_int = 1;
    // SAFETY: `one` outlives the call, and the length is its own (Y1).
    check(unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const one).cast(),
            size_of_val(&one) as libc::socklen_t,
        )
    })?;
    let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    let local = socket_address(source, 0);
    // SAFETY: `local` outlives the call, and the length is its own (Y1).
    check(unsafe { libc::bind(fd, (&raw const local).cast(), length) })?;
    let peer = socket_address(Ipv4Addr::LOCALHOST, port);
    // SAFETY: `peer` outlives the call, and the length is its own (Y1).
    check(unsafe { libc::connect(fd, (&raw const peer).cast(), length) })?;
    Ok(stream)
}

fn socket_address(address: Ipv4Addr, port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(address).to_be() },
        sin_zero: [0; 8],
    }
}

/// What a socket has become ready for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The number that the socket was registered with.
    pub(crate) key: usize,
    /// There may be something to write into.
    pub(crate) writable: bool,
    /// There may be something to read, or the connection ended.
    pub(crate) readable: bool,
}

/// An epoll instance, edge-triggered or level-triggered per registration.
#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
}

/// What to be told about a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watch {
    /// Whenever there is something to read.
    Read,
    /// Whenever there is something to read or room to write.
    ReadWrite,
    /// Each time something arrives and each time room appears, once.
    Edges,
}

impl Watch {
    fn bits(self) -> u32 {
        let bits = match self {
            Self::Read => libc::EPOLLIN,
            Self::ReadWrite => libc::EPOLLIN | libc::EPOLLOUT,
            Self::Edges => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET,
        };
        bits as u32
    }
}

impl Epoll {
    /// Opens an instance.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: `fd` was opened above and nobody else knows it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Starts to watch `socket`; events will carry `key`.
    pub(crate) fn add(&self, socket: &impl AsRawFd, key: usize, watch: Watch) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket.as_raw_fd(), key, watch)
    }

    /// Changes what `socket` is watched for.
    pub(crate) fn change(&self, socket: &impl AsRawFd, key: usize, watch: Watch) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket.as_raw_fd(), key, watch)
    }

    fn control(&self, op: libc::c_int, socket: RawFd, key: usize, watch: Watch) -> io::Result<()> {
        let mut event = libc::epoll_event { events: watch.bits(), u64: key as u64 };
        // SAFETY: the instance is open (Y2) and `event` outlives the call (Y1).
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), op, socket, &mut event) })?;
        Ok(())
    }

    /// Waits for events, at most `timeout_ms` (-1: for ever), and hands each one to `each`.
    pub(crate) fn wait(
        &self,
        events: &mut Events,
        timeout_ms: i32,
        mut each: impl FnMut(Ready) -> io::Result<()>,
    ) -> io::Result<()> {
        let room = events.0.len() as libc::c_int;
        // SAFETY: the instance is open (Y2); the buffer outlives the call and has `room` places (Y1).
        let filled = unsafe {
            libc::epoll_wait(self.fd.as_raw_fd(), events.0.as_mut_ptr(), room, timeout_ms)
        };
        let filled = match check(filled) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            filled => filled? as usize,
        };
        for event in &events.0[..filled] {
            let bits = event.events;
            each(Ready {
                key: event.u64 as usize,
                writable: bits & libc::EPOLLOUT as u32 != 0,
                readable: bits & !(libc::EPOLLOUT as u32) != 0,
            })?;
        }
        Ok(())
    }
}

/// Room for the events of one [`Epoll::wait`].
pub(crate) struct Events(Vec<libc::epoll_event>);

impl Events {
    /// Makes room for `n` events.
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self(vec![libc::epoll_event { events: 0, u64: 0 }; n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn cpu_time_grows_with_work() {
        let before = cpu_time(0).unwrap();
        let mut sum = 0_u64;
        while cpu_time(std::process::id()).unwrap() - before < Duration::from_millis(2) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }

    #[test]
    fn the_machine_tells_its_time() {
        let time = MachineTime::parse("cpu  10 20 30 400 50 6 7 8 99 0\ncpu0 1\n", 100).unwrap();
        assert_eq!(time.busy, Duration::from_millis(810));
        assert_eq!(time.idle, Duration::from_millis(4500));
        assert!(MachineTime::parse("cpu  1 2\n", 100).is_none());
        assert!(MachineTime::now().unwrap().busy > Duration::ZERO);
    }

    #[test]
    fn this_process_has_memory_resident() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
    }

    #[test]
    fn a_connection_comes_from_the_address_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = Ipv4Addr::new(127, 0, 0, 9);
        let _client = connect_from(source, listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(listener.accept().unwrap().1.ip(), source);
    }

    #[test]
    fn epoll_tells_which_socket_is_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let epoll = Epoll::new().unwrap();
        epoll.add(&listener, 7, Watch::Read).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut keys = Vec::new();
        let mut events = Events::with_capacity(4);
        epoll
            .wait(&mut events, 10_000, |ready| {
                keys.push((ready.key, ready.readable, ready.writable));
                Ok(())
            })
            .unwrap();
        assert_eq!(keys, [(7, true, false)]);
    }
}
