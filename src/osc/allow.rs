//! From which networks anybody is listened to.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks that are allowed; this computer always is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// `None`: all.
    networks: Option<Vec<IpNet>>,
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.networks {
            None => f.write_str("all that reach this one"),
            Some(networks) => f.write_str(&networks.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: an address is wanted, and how many of its bits count, such as 192.168.1.0/24 or fd00::/8")]
pub struct BadNetwork(String);

/// Networks that no router of the internet forwards to.
const PRIVATE: [&str; 6] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"];

/// A network by its name; one address is one too.
///
/// # Errors
/// Why it is none. `[control]`
pub fn network(text: &str) -> Result<IpNet, BadNetwork> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| BadNetwork(text.to_owned()))
}

impl Allow {
    /// These alone; none: everybody. `[control]`
    pub fn only(networks: &[IpNet]) -> Self {
        Self { networks: (!networks.is_empty()).then(|| networks.to_vec()) }
    }

    /// Private networks and those of one cable. `[control]`
    pub fn private() -> Self {
        Self { networks: Some(PRIVATE.iter().filter_map(|text| network(text).ok()).collect()) }
    }

    /// Whether somebody there is listened to. `[control]`
    pub fn allows(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        from.is_loopback() || self.networks.as_ref().is_none_or(|networks| networks.iter().any(|network| network.contains(&from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_far_is_kept_out() {
        let at = |text: &str| text.parse::<IpAddr>().expect("an address");
        let private = Allow::private();
        for inside in ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.7.7", "169.254.1.1", "fe80::1", "fd00::5", "::ffff:10.0.0.1"]
        {
            assert!(private.allows(at(inside)), "{inside}");
        }
        for outside in ["8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!private.allows(at(outside)) && Allow::default().allows(at(outside)), "{outside}");
        }
        let one = Allow::only(&[network("192.168.1.7").expect("one"), network("fd00::/8").expect("many")]);
        assert!(
            one.allows(at("192.168.1.7")) && one.allows(at("fd12::1")) && one.allows(at("127.0.0.1")) && !one.allows(at("192.168.1.8"))
        );
        assert!(network("192.168.1.0/33").is_err() && network("here").is_err());
        assert_eq!(private.networks.map(|all| all.len()), Some(PRIVATE.len()));
    }
}
