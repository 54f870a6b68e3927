//! The part of the kernel programs that is plain computation: it compiles for the host as well,
//! where it is unit-tested.
#![cfg_attr(not(test), no_std)]

pub mod packet;
