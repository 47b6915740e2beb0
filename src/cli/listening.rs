//! Where `rackd play` listens for OSC, as it is written on the command line.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;

use super::exit::Exit;
use super::parse;
use crate::daemon::OSC_ADDRESS;
use crate::osc::Listen;
use crate::osc::allow::{Allow, network};
use crate::osc::bounds::Bounds;

/// The options of `play` that say where to listen, and to whom.
#[derive(Clone, Debug, Args)]
pub struct Listening {
    /// Where to listen for OSC over UDP; more than once for more; "none" for nowhere
    #[arg(long, value_name = "ADDRESS", default_value = OSC_ADDRESS, value_parser = parse::listen_at)]
    pub osc: Vec<parse::ListenAt>,
    /// Where to listen for OSC over TCP (size prefix or SLIP) and WebSockets; more than once for more; without it where the first
    /// --osc listens, "none" for nowhere
    #[arg(long, value_name = "ADDRESS", value_parser = parse::listen_at)]
    pub tcp: Vec<parse::ListenAt>,
    /// Listen for OSC at this Unix socket too
    #[arg(long, value_name = "PATH")]
    pub unix: Option<PathBuf>,
    /// Let pages from there use WebSockets: scheme://host:port; more than once for more
    #[arg(long, value_name = "URL", value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// Listen at all of this computer's addresses, IPv4 and IPv6, for who is in a private network
    #[arg(long)]
    pub lan: bool,
    /// Listen to this network alone, such as 192.168.1.0/24; more than once for more; this computer always is listened to
    #[arg(long, value_name = "NETWORK", value_parser = |text: &str| network(text))]
    pub allow: Vec<IpNet>,
    /// Set a limit of what OSC may bring: datagram, frame, depth, elements, arguments, arrays, address, connections, per-host,
    /// handshake, idle, queue or stall; in bytes, seconds or pieces; more than once for more
    #[arg(long = "osc-limit", value_name = "KEY=NUMBER")]
    pub limits: Vec<String>,
}

impl Listening {
    /// What the daemon is told. `[control]`
    ///
    /// # Errors
    /// [`Exit::CommandLine`] for a limit that is none.
    pub fn listen(&self) -> Result<Listen, Exit> {
        let mut bounds = Bounds::default();
        for limit in &self.limits {
            bounds.set(limit).map_err(|bad| Exit::CommandLine(format!("--osc-limit: {bad}")))?;
        }
        let all = |given: &[parse::ListenAt]| given.iter().filter_map(|at| at.0).collect::<Vec<_>>();
        let udp = all(&self.osc);
        let tcp = if self.tcp.is_empty() { udp.first().copied().into_iter().collect() } else { all(&self.tcp) };
        let everywhere = |at: Vec<SocketAddr>| if self.lan { at.into_iter().flat_map(at_all_addresses).collect() } else { at };
        let allow = if self.lan && self.allow.is_empty() { Allow::private() } else { Allow::only(&self.allow) };
        let (udp, tcp) = (everywhere(udp), everywhere(tcp));
        Ok(Listen { udp, tcp, unix: self.unix.clone(), origins: self.allow_origin.clone(), allow, bounds })
    }
}

/// The same port at all addresses; of IPv6 only where the system has it.
fn at_all_addresses(at: SocketAddr) -> Vec<SocketAddr> {
    let v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()));
    [v4].into_iter().chain(v6.then(|| (Ipv6Addr::UNSPECIFIED, at.port()).into())).collect()
}

/// `scheme://host:port`, without a path.
fn origin(text: &str) -> Result<String, String> {
    let plain = text.trim_end_matches('/');
    match plain.split_once("://") {
        Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() && !host.contains('/') => Ok(plain.to_ascii_lowercase()),
        _ => Err("an origin is scheme://host:port, such as https://synth.example:8443".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        osc: Listening,
    }

    fn listen(words: &str) -> Result<Listen, String> {
        let line = Line::try_parse_from(["play"].into_iter().chain(words.split_whitespace())).map_err(|error| error.to_string())?;
        line.osc.listen().map_err(|_| "the command line is wrong".to_owned())
    }

    #[test]
    fn places_are_read() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let plain = listen("").expect("nothing need be said");
        assert_eq!((plain.udp, plain.tcp), (vec![at(OSC_ADDRESS)], vec![at(OSC_ADDRESS)]));
        let two = listen("--osc 9000 --osc [::1]:9001").expect("two");
        assert_eq!((two.udp, two.tcp), (vec![at("127.0.0.1:9000"), at("[::1]:9001")], vec![at("127.0.0.1:9000")]));
        let other = listen("--osc none --tcp 9002 --unix /tmp/x --allow-origin HTTP://A:1/ --allow 10.0.0.0/8 --osc-limit per-host=3");
        let other = other.expect("all of them");
        assert_eq!((other.udp, other.tcp, other.origins), (vec![], vec![at("127.0.0.1:9002")], vec!["http://a:1".to_owned()]));
        assert_eq!((other.bounds.per_host, other.allow), (3, Allow::only(&[network("10.0.0.0/8").expect("one")])));
        assert!(listen("--osc none").expect("nowhere").is_nowhere());
        assert_eq!(listen("--tcp none").expect("UDP alone").tcp, []);
        let lan = listen("--lan").expect("everywhere");
        assert_eq!((lan.udp[0], lan.tcp[0], lan.allow), (at("0.0.0.0:57130"), at("0.0.0.0:57130"), Allow::private()));
        for wrong in
            ["--osc x", "--allow 1.2.3.4/40", "--allow-origin here", "--allow-origin null", "--osc-limit depth=9", "--osc-limit x=1"]
        {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }
}
