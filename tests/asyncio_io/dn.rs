//! names.

use std::net::{SocketAddr, SocketAddrV6};
use std::time::Duration;

use corio::net::lookup_host;

/// A name is asked for on another thread, and the answer is the system's.
#[corio::test]
async fn dn_01_a_name_is_asked_for_on_another_thread() {
    let addrs: Vec<_> = lookup_host("localhost:80").await.unwrap().collect();
    assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 80));
    assert!(!addrs.is_empty());
    assert!(corio::runtime::Handle::current().metrics().blocking_threads > 0);
    // One that nobody waits for any more harms nobody.
    let asking = corio::timeout(Duration::ZERO, lookup_host("localhost:81"));
    drop(asking.await);
}

/// What is numeric already is not asked for; what is not is.
#[corio::test]
async fn dn_03_numbers_are_not_asked_for() {
    for text in ["127.0.0.1:80", "[::1]:0", "255.255.255.255:65535"] {
        let addrs: Vec<SocketAddr> = lookup_host(text).await.unwrap().collect();
        assert_eq!(addrs, [text.parse().unwrap()]);
    }
    assert_eq!(corio::runtime::Handle::current().metrics().blocking_threads, 0);
}

/// The scope of an IPv6 address is kept.
#[corio::test]
async fn dn_04_the_scope_is_kept() {
    let addrs: Vec<_> = lookup_host("[fe80::1%1]:80").await.unwrap().collect();
    let expected = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 1);
    assert_eq!(addrs, [expected.into()]);
}
