//! Exceptions and tracebacks.

use std::sync::atomic::AtomicU32;

use crate::heap::Header;
use crate::object_kind;
use crate::value::Slot;

/// An exception of any class; `extra` holds what the class adds (see [`extra`]).
#[repr(C)]
pub struct Exception {
    pub header: Header,
    /// Tuple.
    pub args: Slot,
    pub traceback: Slot,
    pub context: Slot,
    pub cause: Slot,
    /// 1: `__suppress_context__`.
    pub suppress: AtomicU32,
    /// Class-specific values.
    pub extra: [Slot; 6],
    /// Chunk chain of attributes, or unbound.
    pub attrs: Slot,
}
object_kind!(Exception, Exception);

/// Meaning of [`Exception::extra`] by class.
pub mod extra {
    /// StopIteration
    pub const STOP_VALUE: usize = 0;
    /// SystemExit
    pub const EXIT_CODE: usize = 0;
    /// OSError
    pub const ERRNO: usize = 0;
    pub const STRERROR: usize = 1;
    pub const FILENAME: usize = 2;
    pub const FILENAME2: usize = 3;
    /// `characters_written`, or None
    pub const WRITTEN: usize = 4;
    /// ImportError
    pub const IMPORT_MSG: usize = 0;
    pub const IMPORT_NAME: usize = 1;
    pub const IMPORT_PATH: usize = 2;
    pub const IMPORT_NAME_FROM: usize = 3;
    /// AttributeError, NameError
    pub const ATTR_NAME: usize = 0;
    pub const ATTR_OBJ: usize = 1;
    /// SyntaxError
    pub const SYNTAX_MSG: usize = 0;
    pub const SYNTAX_FILENAME: usize = 1;
    pub const SYNTAX_LINENO: usize = 2;
    pub const SYNTAX_OFFSET: usize = 3;
    pub const SYNTAX_TEXT: usize = 4;
    /// tuple (end_lineno, end_offset)
    pub const SYNTAX_END: usize = 5;
    /// UnicodeError
    pub const UNI_ENCODING: usize = 0;
    pub const UNI_OBJECT: usize = 1;
    pub const UNI_START: usize = 2;
    pub const UNI_END: usize = 3;
    pub const UNI_REASON: usize = 4;
    /// BaseExceptionGroup
    pub const GROUP_MSG: usize = 0;
    pub const GROUP_EXCS: usize = 1;
}

/// One frame of a traceback.
#[repr(C)]
pub struct Traceback {
    pub header: Header,
    pub next: Slot,
    pub code: Slot,
    /// Frame object, made on demand, or unbound.
    pub frame: Slot,
    /// Word index of the instruction.
    pub at: u32,
    /// Further identical entries this one stands for.
    pub repeats: AtomicU32,
    /// What the frame ran: for the cells of free variables.
    pub callee: Slot,
    /// How many registers follow the struct.
    pub len: usize,
}
object_kind!(Traceback, Traceback);

impl Traceback {
    /// The named locals' registers as they were when the exception passed.
    pub fn registers(&self) -> &[Slot] {
        // SAFETY: `len` registers follow the struct.
        unsafe { std::slice::from_raw_parts((self as *const Traceback).add(1) as *const Slot, self.len) }
    }
}

/// A frame as scripts see it: a snapshot made on demand.
#[repr(C)]
pub struct FrameObject {
    pub header: Header,
    pub code: Slot,
    pub back: Slot,
    pub locals: Slot,
    pub globals: Slot,
    pub at: u32,
}
object_kind!(FrameObject, Frame);
