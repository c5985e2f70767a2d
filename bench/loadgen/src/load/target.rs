//! Where requests go: an address of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[derive(Debug, PartialEq)]
pub struct Target {
    pub address: SocketAddr,
    /// As it stands in the URL, for the `Host` field.
    pub authority: String,
    pub path: String,
}

/// Err says what is wrong with the URL: a load generator must not reach beyond its own machine.
pub fn parse(url: &str) -> Result<Target, String> {
    let rest =
        url.strip_prefix("http://").ok_or_else(|| format!("`{url}`: expected a URL that begins with http://"))?;
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let port = port.parse().map_err(|_| format!("`{url}`: `{port}` is no port"))?;
    let ip = if host == "localhost" {
        IpAddr::from(Ipv4Addr::LOCALHOST)
    } else {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_err(|_| format!("`{url}`: expected `localhost` or a loopback address, got `{host}`"))?
    };
    if !ip.is_loopback() {
        return Err(format!("`{url}`: only loopback addresses may be loaded, `{ip}` is none"));
    }
    let path = if path.is_empty() { "/" } else { path };
    Ok(Target { address: SocketAddr::new(ip, port), authority: authority.into(), path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine() {
        let cases = [
            ("http://localhost:3000/a/b?c", "127.0.0.1:3000", "localhost:3000", "/a/b?c"),
            ("http://127.0.0.9", "127.0.0.9:80", "127.0.0.9", "/"),
            ("http://[::1]:3000/x", "[::1]:3000", "[::1]:3000", "/x"),
        ];
        for (url, address, authority, path) in cases {
            let address = address.parse().unwrap();
            assert_eq!(parse(url), Ok(Target { address, authority: authority.into(), path: path.into() }));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "https://localhost/",
            "http://10.0.0.1:80/",
            "http://0.0.0.0/",
            "http://example.com/",
            "http://localhost:x/",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
