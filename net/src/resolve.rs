//! From names to addresses.

use std::future::Future;
use std::io;
use std::net::ToSocketAddrs as _;

use crate::addr::{Addrs, Target, ToSocketAddrs};
use crate::error::with_context;
use crate::rt;

/// Asks the system's resolver for the addresses of a name with a port.
///
/// What is numeric already is returned as it is, without asking. A name is checked first: it must be
/// one by the rules of DNS, so that neither a NUL nor an odd spelling of an address reaches the
/// resolver. The question itself runs on the pool for blocking calls.
///
/// # Errors
///
/// When the text is not an address (the error shows it), and when the resolver fails.
///
/// # Cancel safety
///
/// Safe. A question that has been put is answered to nobody.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let addrs: Vec<_> = corio_net::lookup_host("127.0.0.1:80").await?.collect();
/// assert_eq!(addrs, ["127.0.0.1:80".parse().unwrap()]);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "getaddrinfo")]
pub fn lookup_host(
    host: impl ToSocketAddrs,
) -> impl Future<Output = io::Result<Addrs>> + Send + 'static {
    let target = host.to_target();
    async move { Ok(Addrs(resolve(&target?).await?.into_iter())) }
}

/// The addresses of `target`, in the resolver's order.
pub(crate) async fn resolve(target: &Target) -> io::Result<Vec<std::net::SocketAddr>> {
    let (host, port) = match target {
        Target::One(addr) => return Ok(vec![*addr]),
        Target::Many(addrs) => return Ok(addrs.clone()),
        Target::Name { host, port } => (host.clone(), *port),
    };
    rt::blocking(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect))
        .await
        .map_err(|error| with_context(error, format_args!("cannot resolve `{target}`")))
}
