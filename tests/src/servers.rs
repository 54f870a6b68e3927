//! Real servers, each in a network namespace of the test's own with its data in a folder of its own.

mod daemon;
pub mod dnsmasq;
pub mod grpc;
pub mod mariadb;
pub mod nginx;
pub mod postgres;
pub mod redis;

pub use dnsmasq::Dnsmasq;
pub use grpc::Grpc;
pub use mariadb::Mariadb;
pub use nginx::Nginx;
pub use postgres::Postgres;
pub use redis::Redis;
