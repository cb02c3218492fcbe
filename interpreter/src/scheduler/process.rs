//! Starting programs: what of it the standard library of Rust leaves to unsafe code.

use std::ffi::{CStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Room for the texts of an entry of the system's users or groups, a group of many members included.
const NAMES: usize = 64 << 10;

/// The program to start and what it gets.
pub struct Start {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub folder: Option<OsString>,
    /// None: this process's own.
    pub environment: Option<Vec<(OsString, OsString)>>,
    /// The standard streams; None: this process's own.
    pub streams: [Option<OwnedFd>; 3],
    /// Whether descriptors that programs started from here would get are closed, but for those passed on.
    pub closes: bool,
    pub passed: Vec<i32>,
    /// It becomes the head of a session.
    pub session: bool,
    /// The group it joins; 0: one of its own.
    pub group: Option<i32>,
    pub mask: Option<u32>,
    /// Who it runs as, and in which groups; None: as this process does.
    pub user: Option<u32>,
    pub user_group: Option<u32>,
    pub groups: Option<Vec<u32>>,
}

/// Starts a program; the number of the process.
pub fn start(start: Start) -> io::Result<u32> {
    let mut command = Command::new(&start.program);
    if let Some((name, rest)) = start.args.split_first() {
        command.arg0(name).args(rest);
    }
    if let Some(folder) = &start.folder {
        command.current_dir(folder);
    }
    if let Some(pairs) = start.environment {
        command.env_clear().envs(pairs);
    }
    let [input, output, errors] = start.streams;
    if let Some(fd) = input {
        command.stdin(Stdio::from(fd));
    }
    if let Some(fd) = output {
        command.stdout(Stdio::from(fd));
    }
    if let Some(fd) = errors {
        command.stderr(Stdio::from(fd));
    }
    if let Some(group) = start.group {
        command.process_group(group);
    }
    let closes = start.closes && has_inheritable();
    let (session, mask, passed) = (start.session, start.mask, start.passed);
    let (user, user_group, groups) = (start.user, start.user_group, start.groups);
    let changes_user = user.is_some() || user_group.is_some() || groups.is_some();
    if closes || session || mask.is_some() || !passed.is_empty() || changes_user {
        let prepare = move || {
            // SAFETY: system calls only, on numbers; no memory is taken between fork and exec.
            unsafe {
                if closes {
                    close_on_exec();
                }
                for &fd in &passed {
                    if libc::fcntl(fd, libc::F_SETFD, 0) < 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
                if session && libc::setsid() < 0 {
                    return Err(io::Error::last_os_error());
                }
                if let Some(mask) = mask {
                    libc::umask(mask as libc::mode_t);
                }
                // The user last: it may not be allowed to change the groups.
                let refused = groups.as_ref().is_some_and(|g| libc::setgroups(g.len() as _, g.as_ptr()) < 0)
                    || user_group.is_some_and(|id| libc::setregid(id, id) < 0)
                    || user.is_some_and(|id| libc::setreuid(id, id) < 0);
                if refused {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        };
        // SAFETY: the closure does system calls only, as it says.
        unsafe { command.pre_exec(prepare) };
    }
    command.spawn().map(|child| child.id())
}

/// The number of a user, by name; None: there is no such user.
pub fn user_id(name: &CStr) -> Option<u32> {
    let mut buffer = vec![0; NAMES];
    let mut found = std::ptr::null_mut();
    // SAFETY: the entry and the buffer live through the call, which fills no more of them than it is told there is.
    unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        libc::getpwnam_r(name.as_ptr(), &mut entry, buffer.as_mut_ptr(), NAMES, &mut found);
        (!found.is_null()).then_some(entry.pw_uid)
    }
}

/// The number of a group, by name.
pub fn group_id(name: &CStr) -> Option<u32> {
    let mut buffer = vec![0; NAMES];
    let mut found = std::ptr::null_mut();
    // SAFETY: as above.
    unsafe {
        let mut entry: libc::group = std::mem::zeroed();
        libc::getgrnam_r(name.as_ptr(), &mut entry, buffer.as_mut_ptr(), NAMES, &mut found);
        (!found.is_null()).then_some(entry.gr_gid)
    }
}

/// Whether a program started from here would get more than the standard streams.
fn has_inheritable() -> bool {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return true };
    open.flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok()).any(|fd| {
        // SAFETY: only asks.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        fd > 2 && flags >= 0 && flags & libc::FD_CLOEXEC == 0
    })
}

/// Has every descriptor but the standard streams closed by exec.
///
/// # Safety
/// Nothing: system calls on numbers.
unsafe fn close_on_exec() {
    #[cfg(target_os = "linux")]
    // SAFETY: by the contract; an older kernel refuses it.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } == 0 {
        return;
    }
    for fd in 3..1024 {
        // SAFETY: by the contract.
        unsafe {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            if flags >= 0 {
                libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC);
            }
        }
    }
}
