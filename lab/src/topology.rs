//! Who is in the lab, where each one lives, and by which link the shop reaches it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The port on which the shop and every dependency listen.
pub(crate) const PORT: u16 = 8080;

/// Where network namespaces have their names, as `ip netns` has it.
pub(crate) const NETNS_DIRECTORY: &str = "/run/netns";

/// One process of the lab. Its name is the process's name and its namespace's last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Answers customers with what its dependencies say.
    Shop,
    /// Takes the money: a checkout needs it.
    Payments,
    /// Payments once more, where there are two of it.
    PaymentsReplica,
    /// Knows the stock: every page asks it.
    Inventory,
    /// Suggests other things to buy: nice to have.
    Recommendations,
    /// Tells the shop where the others are, where it is to ask.
    Resolver,
    /// Load the shop.
    Customers,
}

impl Role {
    /// Every role, in the order in which they start.
    pub(crate) const ALL: [Self; 7] = [
        Self::Resolver,
        Self::Payments,
        Self::PaymentsReplica,
        Self::Inventory,
        Self::Recommendations,
        Self::Shop,
        Self::Customers,
    ];
    /// The roles that the shop calls.
    pub(crate) const DEPENDENCIES: [Self; 3] =
        [Self::Payments, Self::Inventory, Self::Recommendations];

    /// The role's name; at most 15 bytes, the most that a process or an interface name holds.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Payments => "payments",
            Self::PaymentsReplica => "payments-2",
            Self::Inventory => "inventory",
            Self::Recommendations => "recommendations",
            Self::Resolver => "resolver",
            Self::Customers => "customers",
        }
    }

    /// Whether the shop calls this role.
    pub(crate) fn is_dependency(self) -> bool {
        let beside = [Self::PaymentsReplica, Self::Resolver];
        Self::DEPENDENCIES.contains(&self) || beside.contains(&self)
    }

    /// Where calls to this role may go: itself first.
    pub(crate) fn instances(self, replicas: bool) -> Vec<Self> {
        match self {
            Self::Payments if replicas => vec![Self::Payments, Self::PaymentsReplica],
            role => vec![role],
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("no such role: {text}"))
    }
}

/// The link between the shop and one of the others: one subnet of each IP version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Who is at the far end, as seen from the shop.
    pub(crate) far: Role,
    subnet: u8,
}

impl Link {
    /// Prefix length of the IPv4 subnets.
    pub(crate) const V4_PREFIX: u8 = 24;
    /// Prefix length of the IPv6 subnets.
    pub(crate) const V6_PREFIX: u8 = 64;
    /// Every link there is.
    pub(crate) const ALL: [Self; 6] = [
        Self {
            far: Role::Resolver,
            subnet: 5,
        },
        Self {
            far: Role::Payments,
            subnet: 1,
        },
        Self {
            far: Role::PaymentsReplica,
            subnet: 4,
        },
        Self {
            far: Role::Inventory,
            subnet: 2,
        },
        Self {
            far: Role::Recommendations,
            subnet: 3,
        },
        Self {
            far: Role::Customers,
            subnet: 9,
        },
    ];

    /// The link that leads to `far`; the shop itself is reached over the customers' link.
    pub(crate) fn to(far: Role) -> Self {
        let [
            resolver,
            payments,
            replica,
            inventory,
            recommendations,
            customers,
        ] = Self::ALL;
        match far {
            Role::Resolver => resolver,
            Role::Payments => payments,
            Role::PaymentsReplica => replica,
            Role::Inventory => inventory,
            Role::Recommendations => recommendations,
            Role::Customers | Role::Shop => customers,
        }
    }

    /// IPv4 and IPv6 address of the shop's end.
    pub(crate) fn shop_end(self) -> [IpAddr; 2] {
        self.host(1)
    }

    /// IPv4 and IPv6 address of the far end.
    pub(crate) fn far_end(self) -> [IpAddr; 2] {
        self.host(2)
    }

    fn host(self, host: u8) -> [IpAddr; 2] {
        let net = 0xfd77_u16;
        [
            Ipv4Addr::new(10, 77, self.subnet, host).into(),
            Ipv6Addr::new(net, self.subnet.into(), 0, 0, 0, 0, 0, host.into()).into(),
        ]
    }
}

/// IPv4 and IPv6 address and port at which `role` answers.
pub(crate) fn listens_at(role: Role) -> [SocketAddr; 2] {
    let link = Link::to(role);
    let end = if role == Role::Shop {
        link.shop_end()
    } else {
        link.far_end()
    };
    end.map(|ip| SocketAddr::new(ip, PORT))
}

/// A lab's name: what tells the namespaces of several labs apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabName(String);

impl LabName {
    /// The name of a role's network namespace.
    pub(crate) fn namespace(&self, role: Role) -> String {
        format!("{}-{}", self.0, role.name())
    }

    /// The path of a role's network namespace.
    pub(crate) fn namespace_path(&self, role: Role) -> PathBuf {
        Path::new(NETNS_DIRECTORY).join(self.namespace(role))
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LabName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (1..=32).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected 1 to 32 of a-z, 0-9 and -, not beginning with -".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_processes_and_interfaces() {
        assert!(Role::ALL.iter().all(|role| role.name().len() <= 15));
    }

    #[test]
    fn addresses_are_as_documented() {
        let text = |role| listens_at(role).map(|address| address.to_string());
        assert_eq!(text(Role::Shop), ["10.77.9.1:8080", "[fd77:9::1]:8080"]);
        assert_eq!(text(Role::Payments), ["10.77.1.2:8080", "[fd77:1::2]:8080"]);
    }

    #[test]
    fn lab_names_cannot_leave_their_directory() {
        assert!("demo-2".parse::<LabName>().is_ok());
        for bad in ["", "../x", "a/b", "-x", "A", "a b", &"x".repeat(33)] {
            assert!(bad.parse::<LabName>().is_err(), "{bad}");
        }
    }
}
