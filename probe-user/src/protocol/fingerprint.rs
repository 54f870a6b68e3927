//! A request's fingerprint: a hash that is the same for the same request made again.

/// FNV-1a (Fowler, Noll, Vo) over bytes.
pub fn of(bytes: &[u8]) -> u64 {
    and(0xcbf2_9ce4_8422_2325, bytes)
}

/// More bytes of the same request.
pub fn and(fingerprint: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(fingerprint, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Over the first line, or all bytes where there is no end of one.
pub fn of_line(bytes: &[u8]) -> u64 {
    of(bytes.split(|&byte| byte == b'\r').next().unwrap_or(bytes))
}
