//! Sockets and the readiness of descriptors.

pub mod address;
pub mod message;
pub mod options;
pub mod poll;
pub mod resolve;
pub mod select;
pub mod socket;
pub mod sockets;
