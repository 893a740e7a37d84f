//! What may be written where an address is wanted.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::error::{invalid, with_context};
use crate::host;

/// What can be turned into socket addresses, by asking the resolver if need be.
///
/// `"example.com:80"`, `("example.com", 80)`, `"127.0.0.1:80"`, std's address types, pairs of an
/// address and a port, slices of [`SocketAddr`], and references to these.
pub trait ToSocketAddrs: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> ToSocketAddrs for T {}

/// An address to be, on the way from what the caller wrote to what the system takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One numeric address.
    One(SocketAddr),
    /// Several numeric addresses.
    Many(Vec<SocketAddr>),
    /// A name to ask the resolver for.
    Name {
        /// A name that `host::check` accepted.
        host: String,
        port: u16,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::One(addr) => addr.fmt(f),
            Target::Many(addrs) => f.debug_list().entries(addrs).finish(),
            Target::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl Target {
    /// Whom a certificate must be for.
    pub(crate) fn host(&self) -> String {
        match self {
            Target::One(addr) => addr.ip().to_string(),
            Target::Many(addrs) => {
                addrs.first().map(|addr| addr.ip().to_string()).unwrap_or_default()
            }
            Target::Name { host, .. } => host.clone(),
        }
    }

    fn name(host: &str, port: u16) -> io::Result<Self> {
        host::check(host)?;
        Ok(Target::Name { host: host.to_owned(), port })
    }
}

pub(crate) mod sealed {
    use super::Target;
    use std::io;

    /// Keeps the trait closed: a later method breaks nobody.
    pub trait Sealed {
        #[doc(hidden)]
        fn to_target(&self) -> io::Result<Target>;
    }
}

use sealed::Sealed;

impl Sealed for SocketAddr {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One(*self))
    }
}

impl Sealed for SocketAddrV4 {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One((*self).into()))
    }
}

impl Sealed for SocketAddrV6 {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One((*self).into()))
    }
}

impl Sealed for (IpAddr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One((*self).into()))
    }
}

impl Sealed for (Ipv4Addr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One((*self).into()))
    }
}

impl Sealed for (Ipv6Addr, u16) {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::One((*self).into()))
    }
}

impl Sealed for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Many(self.to_vec()))
    }
}

impl<const N: usize> Sealed for [SocketAddr; N] {
    fn to_target(&self) -> io::Result<Target> {
        self[..].to_target()
    }
}

impl Sealed for Vec<SocketAddr> {
    fn to_target(&self) -> io::Result<Target> {
        self[..].to_target()
    }
}

impl Sealed for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        let (host, port) = *self;
        if let Ok(ip) = host.parse::<IpAddr>() {
            return (ip, port).to_target();
        }
        Target::name(host, port)
    }
}

impl Sealed for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        (self.0.as_str(), self.1).to_target()
    }
}

impl Sealed for str {
    fn to_target(&self) -> io::Result<Target> {
        if let Ok(addr) = self.parse::<SocketAddr>() {
            return Ok(Target::One(addr));
        }
        let shown = host::shown(self);
        if self.is_empty() {
            return Err(invalid(
                "`` has no name and no port: write `localhost:80`, or give name and port as a pair",
            ));
        }
        let brackets = || {
            invalid(format_args!(
                "`{shown}` is not an address: an IPv6 address stands in brackets, before its port, \
                 `[::1]:80`"
            ))
        };
        let bracketed = self.starts_with('[') && self.ends_with(']');
        // These would be no address with a port behind them either.
        let odd = bracketed && format!("{self}:80").parse::<SocketAddr>().is_err();
        if odd || self.parse::<Ipv6Addr>().is_ok() {
            return Err(brackets());
        }
        if self.starts_with('[') && !self.as_bytes().contains(&b']') {
            return Err(invalid(format_args!(
                "`{shown}` is not an address: the `]` is missing, as in `[::1]:80`"
            )));
        }
        let Some((host, port)) = self.rsplit_once(':').filter(|_| !bracketed) else {
            if !bracketed && self.parse::<IpAddr>().is_err() {
                host::check(self)?;
            }
            return Err(invalid(format_args!(
                "`{shown}` has no port: write `{shown}:80`, or give name and port as a pair"
            )));
        };
        let Ok(port) = port.parse::<u16>() else {
            return Err(invalid(format_args!(
                "`{shown}` is not an address: what follows the last colon is not a port from 0 to 65535"
            )));
        };
        let has = |byte| host.as_bytes().contains(&byte);
        if has(b':') && !has(b'[') && !has(b']') {
            return Err(brackets());
        }
        Target::name(host, port)
            .map_err(|error| with_context(error, format_args!("`{shown}` is not an address")))
    }
}

impl Sealed for String {
    fn to_target(&self) -> io::Result<Target> {
        self.as_str().to_target()
    }
}

impl<T: Sealed + ?Sized> Sealed for &T {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}

/// The addresses of a name, in the order to try them; from [`lookup_host`](crate::lookup_host).
#[derive(Clone, Debug)]
pub struct Addrs(pub(crate) std::vec::IntoIter<SocketAddr>);

impl Iterator for Addrs {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Addrs {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_addresses_never_reach_the_resolver() {
        let v4 = SocketAddr::from(([127, 0, 0, 1], 80));
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
        for target in [
            "127.0.0.1:80".to_target(),
            ("127.0.0.1", 80).to_target(),
            ("127.0.0.1".to_owned(), 80).to_target(),
            (Ipv4Addr::LOCALHOST, 80).to_target(),
            (&&v4).to_target(),
        ] {
            assert_eq!(target.unwrap(), Target::One(v4));
        }
        for target in ["[::1]:80".to_target(), ("::1", 80).to_target()] {
            assert_eq!(target.unwrap(), Target::One(v6));
        }
        assert_eq!([v4, v6].to_target().unwrap(), Target::Many(vec![v4, v6]));
    }

    #[test]
    fn a_name_and_its_port_are_told_apart() {
        let name = Target::Name { host: "localhost".into(), port: 8080 };
        assert_eq!("localhost:8080".to_target().unwrap(), name);
        assert_eq!(("localhost", 8080).to_target().unwrap(), name);
        assert_eq!(name.to_string(), "localhost:8080");
    }

    #[test]
    fn n21_an_error_names_the_text() {
        for (text, part) in [
            ("localhost", "no port"),
            ("localhost:", "port"),
            ("localhost:x", "port"),
            ("localhost:65536", "65535"),
            ("localhost:-1", "port"),
            ("::1:80", "brackets"),
            (":80", "empty"),
            ("127.1:80", "four decimal numbers"),
            ("[::1]", "write `[::1]:80`"),
            ("[::1:80", "`]` is missing"),
            ("[::1", "`]` is missing"),
            ("[]", "brackets"),
            ("[localhost]", "brackets"),
            ("fe80::1", "brackets"),
            ("a b:80", "letters"),
            ("a b", "letters"),
            ("127.1", "four decimal numbers"),
            ("", "write `localhost:80`"),
        ] {
            let error = text.to_target().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
            let shown = error.to_string();
            assert!(shown.contains(text) && shown.contains(part), "{shown}");
        }
    }
}
