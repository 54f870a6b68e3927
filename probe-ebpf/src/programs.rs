//! Entry points, one hook family a file.

mod connect;
mod connect_inject;
mod lane;
mod sendmsg;
mod skb;
mod sock;
mod sock_observe;
mod sock_ops;
mod tc;
