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
