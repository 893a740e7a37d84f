//! Many datagrams in one system call, on Linux.
//!
//! - **M1** Every pointer in a header that the system is given points to memory that is borrowed, or on this
//!   stack, for as long as the call lasts, and nothing moves or resizes it meanwhile.
//! - **M2** Every length in a header is at most that of the memory it goes with.
//! - **M3** An address is read only as far as the system says that it wrote one, and as its family.

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// At most so many datagrams go with one call.
pub const MOST: usize = 64;

/// What is known of a datagram that was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// How many bytes of it are there.
    pub len: usize,
    /// Who sent it; `None` if it was no address of the internet.
    pub from: Option<SocketAddr>,
    /// It was longer than the memory for it, and the rest is lost.
    pub truncated: bool,
}

/// Receives as many datagrams as there are, each into the next `size` bytes of `memory`, without waiting.
/// Returns how many.
///
/// # Errors
///
/// Those of the system's `recvmmsg`; [`WouldBlock`](io::ErrorKind::WouldBlock) when there is none.
///
/// # Panics
///
/// When `size` is 0.
pub fn recv_many(
    fd: BorrowedFd<'_>,
    memory: &mut [u8],
    size: usize,
    arrivals: &mut [Arrival],
) -> io::Result<usize> {
    let count = (memory.len() / size).min(arrivals.len()).min(MOST);
    let mut vectors = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
    let mut names = [MaybeUninit::<libc::sockaddr_storage>::zeroed(); MOST];
    // SAFETY: a header of zeroes is one with nothing in it.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { zeroed() };
    for (index, part) in memory.chunks_exact_mut(size).take(count).enumerate() {
        vectors[index] = libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() };
        let header = &mut headers[index].msg_hdr;
        header.msg_iov = &raw mut vectors[index];
        header.msg_iovlen = 1;
        header.msg_name = names[index].as_mut_ptr().cast();
        header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    }
    // SAFETY: the headers point to the caller's memory and to this stack, with their lengths (M1, M2).
    let received = unsafe {
        libc::recvmmsg(
            fd.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (index, arrival) in arrivals.iter_mut().enumerate().take(received) {
        let header = &headers[index];
        *arrival = Arrival {
            len: header.msg_len as usize,
            from: address(&names[index], header.msg_hdr.msg_namelen),
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        };
    }
    Ok(received)
}

/// Sends as many of `messages` as the system takes without waiting, each to its address, or to the peer that
/// the socket is connected to. Returns how many: the first of them.
///
/// # Errors
///
/// Those of the system's `sendmmsg` about the first message; [`WouldBlock`](io::ErrorKind::WouldBlock) when
/// not even that is taken.
pub fn send_many(
    fd: BorrowedFd<'_>,
    messages: &[(&[u8], Option<SocketAddr>)],
) -> io::Result<usize> {
    let count = messages.len().min(MOST);
    let mut vectors = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
    let mut names = [MaybeUninit::<libc::sockaddr_storage>::zeroed(); MOST];
    // SAFETY: a header of zeroes is one with nothing in it.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { zeroed() };
    for (index, (data, to)) in messages.iter().enumerate().take(count) {
        // The system does not write to what it sends.
        vectors[index] =
            libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        let header = &mut headers[index].msg_hdr;
        header.msg_iov = &raw mut vectors[index];
        header.msg_iovlen = 1;
        if let Some(to) = to {
            header.msg_namelen = put_address(&mut names[index], *to);
            header.msg_name = names[index].as_mut_ptr().cast();
        }
    }
    // SAFETY: the headers point to the caller's memory and to this stack, with their lengths (M1, M2).
    let sent = unsafe {
        libc::sendmmsg(
            fd.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// The address that the system wrote.
fn address(name: &MaybeUninit<libc::sockaddr_storage>, len: libc::socklen_t) -> Option<SocketAddr> {
    let len = len as usize;
    if len < size_of::<libc::sa_family_t>() {
        return None;
    }
    let name = name.as_ptr();
    // SAFETY: the storage began as zeroes, so all of it is initialised (M3).
    let family = i32::from(unsafe { (*name).ss_family });
    if family == libc::AF_INET && len >= size_of::<libc::sockaddr_in>() {
        // SAFETY: the system wrote so much of an address of this family, and storage is aligned for it (M3).
        let v4 = unsafe { *name.cast::<libc::sockaddr_in>() };
        let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
        return Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into());
    }
    if family == libc::AF_INET6 && len >= size_of::<libc::sockaddr_in6>() {
        // SAFETY: as above (M3).
        let v6 = unsafe { *name.cast::<libc::sockaddr_in6>() };
        let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
        let port = u16::from_be(v6.sin6_port);
        return Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into());
    }
    None
}

/// Writes an address as the system reads it; returns its length.
fn put_address(
    name: &mut MaybeUninit<libc::sockaddr_storage>,
    addr: SocketAddr,
) -> libc::socklen_t {
    match addr {
        SocketAddr::V4(addr) => {
            let v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: addr.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(addr.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: storage is large enough and aligned for every address (M2).
            unsafe { name.as_mut_ptr().cast::<libc::sockaddr_in>().write(v4) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(addr) => {
            let v6 = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: addr.port().to_be(),
                sin6_flowinfo: addr.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: addr.ip().octets() },
                sin6_scope_id: addr.scope_id(),
            };
            // SAFETY: as above (M2).
            unsafe { name.as_mut_ptr().cast::<libc::sockaddr_in6>().write(v6) };
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    #[test]
    fn addresses_survive_the_way_there_and_back() {
        for text in ["127.0.0.1:80", "255.1.2.3:65535", "[::1]:80", "[fe80::1%7]:1"] {
            let addr: SocketAddr = text.parse().unwrap();
            let mut name = MaybeUninit::zeroed();
            let len = put_address(&mut name, addr);
            assert_eq!(address(&name, len), Some(addr));
            assert_eq!(address(&name, len - 1), None);
            assert_eq!(address(&name, 0), None);
        }
    }

    #[test]
    fn many_are_sent_and_received_whole_and_in_order() {
        let (a, b) =
            (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let to = Some(b.local_addr().unwrap());
        let texts = ["one", "", "a longer one", "four"];
        let messages: Vec<_> = texts.iter().map(|text| (text.as_bytes(), to)).collect();
        assert_eq!(send_many(a.as_fd(), &messages).unwrap(), 4);
        let (mut memory, mut arrivals) = ([0; 40], [Arrival::default(); 4]);
        assert_eq!(recv_many(b.as_fd(), &mut memory, 8, &mut arrivals).unwrap(), 4);
        for (index, text) in texts.iter().enumerate() {
            let arrival = arrivals[index];
            assert_eq!(arrival.len, text.len().min(8));
            assert_eq!(arrival.truncated, text.len() > 8);
            assert_eq!(arrival.from, Some(a.local_addr().unwrap()));
            assert_eq!(&memory[index * 8..][..arrival.len], &text.as_bytes()[..arrival.len]);
        }
        let error = recv_many(b.as_fd(), &mut memory, 8, &mut arrivals).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(send_many(a.as_fd(), &[]).unwrap(), 0);
    }
}
