//! Entry points, one hook family a file.

mod connect;
mod lane;
mod skb;
mod sock_ops;
mod tc;
