//! Kinds and builtin classes: the one table of every native object type.
//!
//! A [`Kind`] names the native struct of an object; a [`ClassId`] names a builtin class. The shape id of an exact
//! instance of a builtin class is its class id, so a type test of builtins is one 32-bit compare.

macro_rules! kinds {
    ($($name:ident,)*) => {
        /// The native struct behind an object. Zero is no kind, so that a header word is never zero.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind { None = 0, $($name,)* }
        const KINDS: &[Kind] = &[Kind::None, $(Kind::$name,)*];
        impl Kind {
            #[inline(always)]
            pub fn of(byte: u8) -> Kind {
                KINDS.get(byte as usize).copied().unwrap_or(Kind::None)
            }
        }
    };
}

kinds! {
    Instance, Float, BigInt, Complex, Str, Bytes, ByteArray, MemoryView, List, Tuple, Dict, Set, Range, Slice,
    Function, Native, Method, Class, Exception, Generator, Module, Cell, Code, Property, Wrapper, Super, Traceback,
    Frame, Iter, DictView, Boxed, WeakRef, GenericAlias, Fiber,
    // Parts of other objects, never seen by scripts.
    Buffer, Table, SetTable, Chunk, Entry, StrBuffer, Segment,
}

macro_rules! classes {
    ($($id:ident $name:literal $kind:ident $base:ident $($flag:ident)*;)*) => {
        /// A builtin class.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum ClassId { Invalid = 0, $($id,)* }
        /// Every builtin class in the order of their ids, bases before their subclasses.
        pub const CLASSES: &[ClassRow] = &[
            $(ClassRow { id: ClassId::$id, name: $name, kind: Kind::$kind, base: ClassId::$base, sealed: false $(|| sealed!($flag))* },)*
        ];
    };
}
macro_rules! sealed {
    (sealed) => {
        true
    };
}

/// One builtin class as declared.
pub struct ClassRow {
    pub id: ClassId,
    /// `module.name` if not in builtins.
    pub name: &'static str,
    pub kind: Kind,
    pub base: ClassId,
    /// May not be subclassed.
    pub sealed: bool,
}

classes! {
    Object "object" Instance Invalid;
    Type "type" Class Object;
    Int "int" BigInt Object;
    Bool "bool" None Int sealed;
    Float "float" Float Object;
    Complex "complex" Complex Object;
    NoneType "NoneType" None Object sealed;
    NotImplementedType "NotImplementedType" None Object sealed;
    EllipsisType "ellipsis" None Object sealed;
    Str "str" Str Object;
    Bytes "bytes" Bytes Object;
    ByteArray "bytearray" ByteArray Object;
    MemoryView "memoryview" MemoryView Object sealed;
    List "list" List Object;
    Tuple "tuple" Tuple Object;
    Dict "dict" Dict Object;
    Set "set" Set Object;
    FrozenSet "frozenset" Set Object;
    Range "range" Range Object sealed;
    Slice "slice" Slice Object sealed;
    Function "function" Function Object sealed;
    BuiltinFunction "builtin_function_or_method" Native Object sealed;
    MethodDescriptor "method_descriptor" Native Object sealed;
    SlotWrapper "wrapper_descriptor" Native Object sealed;
    MethodWrapper "method-wrapper" Native Object sealed;
    ClassMethodDescriptor "classmethod_descriptor" Native Object sealed;
    GetSetDescriptor "getset_descriptor" Wrapper Object sealed;
    MemberDescriptor "member_descriptor" Wrapper Object sealed;
    Method "method" Method Object sealed;
    Module "module" Module Object;
    Cell "cell" Cell Object sealed;
    Code "code" Code Object sealed;
    Property "property" Property Object;
    ClassMethod "classmethod" Wrapper Object;
    StaticMethod "staticmethod" Wrapper Object;
    Super "super" Super Object;
    Traceback "traceback" Traceback Object sealed;
    Frame "frame" Frame Object sealed;
    MappingProxy "mappingproxy" Wrapper Object sealed;
    Generator "generator" Generator Object sealed;
    Coroutine "coroutine" Generator Object sealed;
    AsyncGenerator "async_generator" Generator Object sealed;
    CoroutineWrapper "coroutine_wrapper" Boxed Object sealed;
    AsyncGenSend "async_generator_asend" Boxed Object sealed;
    AsyncGenThrow "async_generator_athrow" Boxed Object sealed;
    GenericAlias "types.GenericAlias" GenericAlias Object;
    UnionType "types.UnionType" GenericAlias Object sealed;
    WeakRef "weakref.ReferenceType" WeakRef Object;
    ListIterator "list_iterator" Iter Object sealed;
    ListReverseIterator "list_reverseiterator" Iter Object sealed;
    TupleIterator "tuple_iterator" Iter Object sealed;
    StrIterator "str_iterator" Iter Object sealed;
    StrAsciiIterator "str_ascii_iterator" Iter Object sealed;
    BytesIterator "bytes_iterator" Iter Object sealed;
    ByteArrayIterator "bytearray_iterator" Iter Object sealed;
    RangeIterator "range_iterator" Iter Object sealed;
    LongRangeIterator "longrange_iterator" Iter Object sealed;
    SetIterator "set_iterator" Iter Object sealed;
    DictKeyIterator "dict_keyiterator" Iter Object sealed;
    DictValueIterator "dict_valueiterator" Iter Object sealed;
    DictItemIterator "dict_itemiterator" Iter Object sealed;
    DictReverseKeyIterator "dict_reversekeyiterator" Iter Object sealed;
    DictReverseValueIterator "dict_reversevalueiterator" Iter Object sealed;
    DictReverseItemIterator "dict_reverseitemiterator" Iter Object sealed;
    SequenceIterator "iterator" Iter Object sealed;
    CallIterator "callable_iterator" Iter Object sealed;
    MemoryIterator "memory_iterator" Iter Object sealed;
    Reversed "reversed" Iter Object;
    Enumerate "enumerate" Iter Object;
    Zip "zip" Iter Object;
    Map "map" Iter Object;
    Filter "filter" Iter Object;
    DictKeys "dict_keys" DictView Object sealed;
    DictValues "dict_values" DictView Object sealed;
    DictItems "dict_items" DictView Object sealed;
    BaseException "BaseException" Exception Object;
    BaseExceptionGroup "BaseExceptionGroup" Exception BaseException;
    GeneratorExit "GeneratorExit" Exception BaseException;
    KeyboardInterrupt "KeyboardInterrupt" Exception BaseException;
    DeadlockError "conc.DeadlockError" Exception BaseException;
    SystemExit "SystemExit" Exception BaseException;
    Exception "Exception" Exception BaseException;
    ArithmeticError "ArithmeticError" Exception Exception;
    FloatingPointError "FloatingPointError" Exception ArithmeticError;
    OverflowError "OverflowError" Exception ArithmeticError;
    ZeroDivisionError "ZeroDivisionError" Exception ArithmeticError;
    AssertionError "AssertionError" Exception Exception;
    AttributeError "AttributeError" Exception Exception;
    BufferError "BufferError" Exception Exception;
    EOFError "EOFError" Exception Exception;
    ExceptionGroup "ExceptionGroup" Exception BaseExceptionGroup;
    ImportError "ImportError" Exception Exception;
    ModuleNotFoundError "ModuleNotFoundError" Exception ImportError;
    LookupError "LookupError" Exception Exception;
    IndexError "IndexError" Exception LookupError;
    KeyError "KeyError" Exception LookupError;
    MemoryError "MemoryError" Exception Exception;
    NameError "NameError" Exception Exception;
    UnboundLocalError "UnboundLocalError" Exception NameError;
    OSError "OSError" Exception Exception;
    BlockingIOError "BlockingIOError" Exception OSError;
    ChildProcessError "ChildProcessError" Exception OSError;
    ConnectionError "ConnectionError" Exception OSError;
    BrokenPipeError "BrokenPipeError" Exception ConnectionError;
    ConnectionAbortedError "ConnectionAbortedError" Exception ConnectionError;
    ConnectionRefusedError "ConnectionRefusedError" Exception ConnectionError;
    ConnectionResetError "ConnectionResetError" Exception ConnectionError;
    FileExistsError "FileExistsError" Exception OSError;
    FileNotFoundError "FileNotFoundError" Exception OSError;
    InterruptedError "InterruptedError" Exception OSError;
    IsADirectoryError "IsADirectoryError" Exception OSError;
    NotADirectoryError "NotADirectoryError" Exception OSError;
    PermissionError "PermissionError" Exception OSError;
    ProcessLookupError "ProcessLookupError" Exception OSError;
    TimeoutError "TimeoutError" Exception OSError;
    ReferenceError "ReferenceError" Exception Exception;
    RuntimeError "RuntimeError" Exception Exception;
    NotImplementedError "NotImplementedError" Exception RuntimeError;
    PythonFinalizationError "PythonFinalizationError" Exception RuntimeError;
    RecursionError "RecursionError" Exception RuntimeError;
    StopAsyncIteration "StopAsyncIteration" Exception Exception;
    StopIteration "StopIteration" Exception Exception;
    SyntaxError "SyntaxError" Exception Exception;
    IndentationError "IndentationError" Exception SyntaxError;
    TabError "TabError" Exception IndentationError;
    IncompleteInputError "_IncompleteInputError" Exception SyntaxError;
    SystemError "SystemError" Exception Exception;
    TypeError "TypeError" Exception Exception;
    ValueError "ValueError" Exception Exception;
    UnicodeError "UnicodeError" Exception ValueError;
    UnicodeDecodeError "UnicodeDecodeError" Exception UnicodeError;
    UnicodeEncodeError "UnicodeEncodeError" Exception UnicodeError;
    UnicodeTranslateError "UnicodeTranslateError" Exception UnicodeError;
    Warning "Warning" Exception Exception;
    BytesWarning "BytesWarning" Exception Warning;
    DeprecationWarning "DeprecationWarning" Exception Warning;
    EncodingWarning "EncodingWarning" Exception Warning;
    FutureWarning "FutureWarning" Exception Warning;
    ImportWarning "ImportWarning" Exception Warning;
    PendingDeprecationWarning "PendingDeprecationWarning" Exception Warning;
    ResourceWarning "ResourceWarning" Exception Warning;
    RuntimeWarning "RuntimeWarning" Exception Warning;
    SyntaxWarning "SyntaxWarning" Exception Warning;
    UnicodeWarning "UnicodeWarning" Exception Warning;
    UserWarning "UserWarning" Exception Warning;
}

impl ClassId {
    pub const COUNT: usize = CLASSES.len() + 1;
    /// The exact-instance shape of the class.
    #[inline(always)]
    pub const fn shape(self) -> u32 {
        self as u32
    }
    pub fn row(self) -> &'static ClassRow {
        &CLASSES[self as usize - 1]
    }
}

/// Declares a native struct as the layout of one kind.
#[macro_export]
macro_rules! object_kind {
    ($t:ty, $($kind:ident)|+) => {
        // SAFETY: objects of the kind are only made with this layout (see the constructors beside the struct).
        unsafe impl $crate::value::Object for $t {
            #[inline(always)]
            fn has_kind(kind: u8) -> bool {
                $(kind == $crate::object::kind::Kind::$kind as u8)||+
            }
        }
    };
}
