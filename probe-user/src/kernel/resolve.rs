//! What a target means in one network namespace: addresses for its names, and the interfaces
//! that its packets pass.

use std::{
    collections::BTreeSet,
    net::{IpAddr, ToSocketAddrs},
};

use anyhow::{Context, Result, anyhow, bail};

use super::{
    interfaces::{self, Interface},
    netns::Netns,
};
use crate::{endpoint::EndpointSpec, plan::Endpoint};

/// A target in terms that the kernel programs know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Far sides.
    pub endpoints: Vec<Endpoint>,
    /// Names of the interfaces to attach to.
    pub interfaces: Vec<String>,
}

/// Resolves names and finds interfaces; `asked` are those that were named, if any were.
///
/// # Errors
/// Where a name has no address, an endpoint no route, or an interface can't be used.
pub fn resolve(netns: &Netns, to: &[EndpointSpec], asked: &[String]) -> Result<Resolved> {
    netns.within(|| {
        let endpoints = all_endpoints_of(to)?;
        let interfaces = match asked {
            // What a name comes to mean may lie anywhere, and so may who is asked for it.
            [] if to.iter().any(|spec| spec.name().is_some()) => every_usable(&interfaces::all()?)?,
            [] => towards_all(to, &endpoints)?,
            asked => those_asked_for(asked)?,
        };
        Ok(Resolved {
            endpoints,
            interfaces,
        })
    })
}

/// Resolves names alone: for what happens before packets are sent, and so on no interface.
///
/// # Errors
/// Where a name has no address.
pub fn resolve_names(netns: &Netns, to: &[EndpointSpec]) -> Result<Resolved> {
    Ok(Resolved {
        endpoints: netns.within(|| all_endpoints_of(to))?,
        interfaces: Vec::new(),
    })
}

fn all_endpoints_of(to: &[EndpointSpec]) -> Result<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    for spec in to {
        for endpoint in endpoints_of(spec)? {
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
    }
    Ok(endpoints)
}

/// The endpoints that one far side stands for, its name asked of the host's resolver in the
/// calling thread's network namespace.
fn endpoints_of(spec: &EndpointSpec) -> Result<Vec<Endpoint>> {
    let Some(name) = spec.name() else {
        return Ok(spec.resolved(&[]));
    };
    let addresses: BTreeSet<IpAddr> = (name, 0)
        .to_socket_addrs()
        .with_context(|| {
            format!(
                "endpoint \"{spec}\": resolving its name\nhint: give its address, or check that \
                 `getent ahosts {name}` answers in that network namespace"
            )
        })?
        .map(|address| address.ip())
        .collect();
    if addresses.is_empty() {
        bail!("endpoint \"{spec}\": its name has no address\nhint: give its address");
    }
    let addresses: Vec<_> = addresses.into_iter().collect();
    Ok(spec.resolved(&addresses))
}

fn those_asked_for(asked: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for name in asked {
        let interface = interfaces::named(name)?;
        if !interface.up {
            bail!("interface \"{name}\": it is down\nhint: ip link set {name} up");
        }
        refuse_without_ethernet(&interface)?;
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// The interfaces on the routes to all endpoints, or every usable one where an endpoint is not
/// a single address.
fn towards_all(to: &[EndpointSpec], endpoints: &[Endpoint]) -> Result<Vec<String>> {
    let all = interfaces::all()?;
    if !endpoints.iter().all(is_one_address) {
        return every_usable(&all);
    }
    let mut names = Vec::new();
    let mut unreachable = None;
    for address in endpoints.iter().filter_map(|endpoint| endpoint.address) {
        let index = match interfaces::towards(address) {
            Ok(index) => index,
            // Of a name's addresses, it is enough that one family has a route.
            Err(error) if !is_typed(to, address) => {
                log::info!("{error:#}");
                unreachable = Some(error);
                continue;
            }
            Err(error) => return Err(error.context(NO_ROUTE)),
        };
        let interface = all
            .iter()
            .find(|interface| interface.index == index)
            .with_context(|| format!("endpoint {address}: interface {index} has gone"))?;
        refuse_without_ethernet(interface)?;
        if !names.contains(&interface.name) {
            names.push(interface.name.clone());
        }
    }
    match unreachable {
        Some(error) if names.is_empty() => Err(error.context(NO_ROUTE)),
        _ => Ok(names),
    }
}

const NO_ROUTE: &str = "finding the interface that leads to an endpoint\nhint: name the network \
                        namespace with --netns, or the interface with --interface";

fn is_one_address(endpoint: &Endpoint) -> bool {
    endpoint
        .address
        .is_some_and(|address| endpoint.prefix == if address.is_ipv4() { 32 } else { 128 })
}

/// Whether an address was written as such, rather than found for a name.
fn is_typed(to: &[EndpointSpec], address: IpAddr) -> bool {
    to.iter()
        .filter(|spec| spec.name().is_none())
        .flat_map(|spec| spec.resolved(&[]))
        .any(|endpoint| endpoint.address == Some(address))
}

/// Every interface that a packet of this host passes once on its way.
fn every_usable(all: &[Interface]) -> Result<Vec<String>> {
    let names: Vec<_> = all.iter().filter(|it| is_usable(it)).collect();
    if names.is_empty() {
        return Err(anyhow!(
            "interfaces: none here is up and carries Ethernet frames\nhint: name the network \
             namespace with --netns"
        ));
    }
    Ok(names.iter().map(|it| it.name.clone()).collect())
}

/// Ports of bridges and bonds are left out: what the host sends passes the bridge, too, and
/// would meet the fault twice.
fn is_usable(interface: &Interface) -> bool {
    interface.up && interface.ethernet && !interface.is_port && !is_a_line(&interface.name)
}

/// Whether it is a delay line's device, of this probe or another.
fn is_a_line(name: &str) -> bool {
    name.strip_prefix("probe")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn refuse_without_ethernet(interface: &Interface) -> Result<()> {
    if is_a_line(&interface.name) {
        bail!(
            "interface \"{}\": it is where another probe keeps delayed packets\nhint: name the \
             interface that the packets themselves pass",
            interface.name
        );
    }
    if interface.ethernet {
        return Ok(());
    }
    bail!(
        "interface \"{}\": its packets have no Ethernet header, which is not supported yet\nhint: \
         name another with --interface, one that the same packets pass",
        interface.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> Interface {
        Interface {
            index: 1,
            name: name.into(),
            up: true,
            ethernet: true,
            is_port: false,
            dropped: 0,
        }
    }

    #[test]
    fn lines_ports_and_what_is_down_are_left_out() {
        let mut port = interface("veth0");
        port.is_port = true;
        let mut down = interface("eth1");
        down.up = false;
        let all = [
            interface("lo"),
            port,
            down,
            interface("probe0"),
            interface("prober"),
        ];
        assert_eq!(every_usable(&all).unwrap(), ["lo", "prober"]);
    }

    #[test]
    fn a_name_without_address_says_so() {
        let spec: EndpointSpec = "no-such-host.invalid:80".parse().unwrap();
        let error = endpoints_of(&spec).unwrap_err().to_string();
        assert!(error.starts_with("endpoint \"no-such-host.invalid:80\": resolving"));
        assert!(error.contains("\nhint: "));
    }
}
