//! File descriptors by number, as scripts name them.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor by its number. Scripts may name any; what is not open makes the kernel say EBADF.
pub fn borrow(fd: i32) -> Option<BorrowedFd<'static>> {
    if fd < 0 {
        return None;
    }
    // SAFETY: not -1. Whether the number is open is the script's business, as it is for C programs; the descriptors
    // the interpreter itself depends on are only reached through their owners.
    Some(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Takes over a descriptor that the caller got from the kernel or from a script that gives it up.
pub fn adopt(fd: i32) -> Option<OwnedFd> {
    if fd < 0 {
        return None;
    }
    // SAFETY: not -1; the caller gives up the number.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes a descriptor; the error number if that failed.
pub fn close(fd: i32) -> Result<(), i32> {
    // SAFETY: closing takes any number.
    if unsafe { libc::close(fd) } == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// A socket's option as raw bytes, at most `len`; the error number if that failed.
pub fn socket_option(fd: i32, level: i32, name: i32, len: usize) -> Result<Vec<u8>, i32> {
    let mut data = vec![0u8; len];
    let mut got = len as libc::socklen_t;
    // SAFETY: the kernel writes no more than the length it is given.
    let result = unsafe { libc::getsockopt(fd, level, name, data.as_mut_ptr().cast(), &mut got) };
    data.truncate(got as usize);
    if result == 0 { Ok(data) } else { Err(last_error()) }
}

/// Sets a socket's option to raw bytes; the error number if that failed. `None`: no data but a length, as some
/// options of the kernel want.
pub fn set_socket_option(fd: i32, level: i32, name: i32, data: Option<&[u8]>, len: usize) -> Result<(), i32> {
    let at = data.map_or(std::ptr::null(), |d| d.as_ptr());
    let len = data.map_or(len, |d| d.len());
    // SAFETY: the kernel reads no more than the length it is given.
    let result = unsafe { libc::setsockopt(fd, level, name, at.cast(), len as libc::socklen_t) };
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
