//! Entry points, one hook family a file.

mod connect;
mod connect_inject;
mod lane;
mod skb;
mod sock;
mod sock_ops;
mod tc;
