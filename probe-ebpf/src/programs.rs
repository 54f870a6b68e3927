//! Entry points, one hook family a file.

mod connect;
mod skb;
mod sock_ops;
mod tc;
