//! os.scandir: the entries of a folder with what the system told about them.

use std::path::PathBuf;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;
use rustix::fs::FileType;
use rustix::io::Errno;

/// An entry as read from the folder.
pub struct Found {
    name: Vec<u8>,
    kind: FileType,
    inode: u64,
}

/// The payload of the iterator: entries still to come.
pub struct Entries {
    left: Mutex<Option<std::vec::IntoIter<Found>>>,
    folder: PathBuf,
    is_bytes: bool,
}

impl Payload for Entries {}

/// The payload of a DirEntry.
pub struct Entry {
    path: PathBuf,
    kind: FileType,
    inode: u64,
}

impl Payload for Entry {}

/// Slots of a DirEntry.
mod slot {
    pub const NAME: usize = 0;
    pub const PATH: usize = 1;
    pub const STAT: usize = 2;
    pub const LSTAT: usize = 3;
    pub const COUNT: usize = 4;
}

fn read(folder: &std::path::Path) -> Result<Vec<Found>, Errno> {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::DirEntryExt;
    let errno = |e: std::io::Error| super::errors::errno_of(&e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(errno)? {
        let entry = entry.map_err(errno)?;
        let kind = match entry.file_type() {
            Ok(t) if t.is_dir() => FileType::Directory,
            Ok(t) if t.is_file() => FileType::RegularFile,
            Ok(t) if t.is_symlink() => FileType::Symlink,
            _ => FileType::Unknown,
        };
        found.push(Found { inode: entry.ino(), name: entry.file_name().into_vec(), kind });
    }
    Ok(found)
}

/// Folders' entries.
#[conc_macros::module(name = "posix")]
pub mod scandir {
    use super::{Entries, read};
    use crate::core::shared::{define, recall_class, remember};
    use crate::io::registry;
    use crate::os::{errors, paths};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};
    use parking_lot::Mutex;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let iterator = cx.native_class("posix", "ScandirIterator", None, super::iterator::METHODS);
        remember(cx, "os.ScandirIterator", iterator.value());
        let entry = cx.native_class("posix", "DirEntry", None, super::entry::METHODS);
        remember(cx, "os.DirEntry", entry.value());
        define(cx, module, "DirEntry", entry.value());
        Ok(())
    }

    /// Give an iterator over the entries of a directory.
    #[name = "scandir"]
    pub fn scan(
        cx: &mut Ctx,
        #[kw]
        #[default(Value::NONE)]
        path: Value,
    ) -> R {
        let given = if path.is_none() { cx.str(".") } else { path };
        let what = "scandir: path should be string, bytes, os.PathLike, integer or None";
        let arg = paths::path_named(cx, given, what)?;
        registry::flush_all();
        let found = errors::check_path(cx, read(&arg.path), arg.value)?;
        let Some(class) = recall_class(cx, "os.ScandirIterator") else { return Ok(Value::NONE) };
        let entries = Entries { left: Mutex::new(Some(found.into_iter())), folder: arg.path, is_bytes: arg.is_bytes };
        Ok(cx.new_boxed(class, Some(Box::new(entries)), 0).value())
    }
}

/// The next entry as an object.
fn next_entry(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let Some(entries) = this.data::<Entries>() else { return Ok(None) };
    let found = {
        let mut left = entries.left.lock();
        let next = left.as_mut().and_then(|l| l.next());
        if next.is_none() {
            *left = None;
        }
        next
    };
    let Some(found) = found else { return Ok(None) };
    let path = entries.folder.join(std::ffi::OsString::from_vec(found.name.clone()));
    let name = super::paths::in_form(cx, &found.name, entries.is_bytes)?;
    let path_value = super::paths::in_form(cx, path.as_os_str().as_bytes(), entries.is_bytes)?;
    let Some(class) = crate::core::shared::recall_class(cx, "os.DirEntry") else { return Ok(None) };
    let payload = Entry { path, kind: found.kind, inode: found.inode };
    let object = cx.new_boxed(class, Some(Box::new(payload)), slot::COUNT);
    object.slots()[slot::NAME].set(name);
    object.slots()[slot::PATH].set(path_value);
    Ok(Some(object.value()))
}

/// The methods of the iterator.
#[conc_macros::methods]
pub mod iterator {
    use super::{Entries, next_entry};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Give the object itself.
    pub fn __iter__(this: Gc<Boxed>) -> Value {
        this.value()
    }

    /// The next entry.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        match next_entry(cx, this)? {
            Some(entry) => Ok(entry),
            None => Err(cx.stop_iteration(Value::NONE)),
        }
    }

    /// Forget the entries still to come.
    pub fn close(this: Gc<Boxed>) {
        if let Some(entries) = this.data::<Entries>() {
            *entries.left.lock() = None;
        }
    }

    /// Give the object itself.
    pub fn __enter__(this: Gc<Boxed>) -> Value {
        this.value()
    }

    /// Closes the iterator.
    pub fn __exit__(this: Gc<Boxed>, _args: &[Value]) {
        close(this);
    }
}

/// What kind of file the entry is, with links followed or not; Unknown if it is gone.
fn kind_of(cx: &mut Ctx, this: Gc<Boxed>, follow: bool) -> R<FileType> {
    let Some(e) = this.data::<Entry>() else { return Ok(FileType::Unknown) };
    if e.kind != FileType::Unknown && (e.kind != FileType::Symlink || !follow) {
        return Ok(e.kind);
    }
    let result = if follow { rustix::fs::stat(&e.path) } else { rustix::fs::lstat(&e.path) };
    match result {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode)),
        Err(Errno::NOENT) => Ok(FileType::Unknown),
        Err(errno) => {
            let path = this.slots()[slot::PATH].get();
            Err(super::errors::raise_path(cx, errno, path))
        }
    }
}

/// The methods of DirEntry.
#[conc_macros::methods]
pub mod entry {
    use super::{Entry, kind_of, slot};
    use crate::os::{errors, stat as stats};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};
    use rustix::fs::FileType;

    /// The last part of the path.
    #[getter]
    pub fn name(this: Gc<Boxed>) -> Value {
        this.slots()[slot::NAME].get()
    }

    /// The path: the scanned directory's with the name added.
    #[getter]
    pub fn path(this: Gc<Boxed>) -> Value {
        this.slots()[slot::PATH].get()
    }

    /// Tell whether it is a directory.
    pub fn is_dir(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<bool> {
        Ok(kind_of(cx, this, follow_symlinks)? == FileType::Directory)
    }

    /// Tell whether it is a regular file.
    pub fn is_file(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<bool> {
        Ok(kind_of(cx, this, follow_symlinks)? == FileType::RegularFile)
    }

    /// Tell whether it is a symbolic link.
    pub fn is_symlink(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(kind_of(cx, this, false)? == FileType::Symlink)
    }

    /// Tell whether it is a junction: never on this system.
    pub fn is_junction(_this: Gc<Boxed>) -> bool {
        false
    }

    /// Give the number of the entry's inode.
    pub fn inode(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let inode = this.data::<Entry>().map_or(0, |e| e.inode);
        Ok(cx.uint(inode))
    }

    /// Give the facts about the entry, looked up once.
    pub fn stat(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R {
        let kept = &this.slots()[if follow_symlinks { slot::STAT } else { slot::LSTAT }];
        if !kept.get().is_none() {
            return Ok(kept.get());
        }
        let Some(e) = this.data::<Entry>() else { return Ok(Value::NONE) };
        let result = if follow_symlinks { rustix::fs::stat(&e.path) } else { rustix::fs::lstat(&e.path) };
        let path = this.slots()[slot::PATH].get();
        let stat = errors::check_path(cx, result, path)?;
        let value = stats::to_value(cx, &stat)?;
        kept.set(value);
        Ok(value)
    }

    /// Give the entry's path, for open() and the like.
    pub fn __fspath__(this: Gc<Boxed>) -> Value {
        this.slots()[slot::PATH].get()
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let name = this.slots()[slot::NAME].get();
        let shown = cx.repr(name)?;
        Ok(format!("<DirEntry {}>", shown.to_text()))
    }
}
