//! The opcodes: one table gives each its name, operand form, number of cache words and meaning.
//!
//! An instruction is one `u64`: `op:8 | aux:8 | A:16 | B:16 | C:16` from the low end, followed by `cache` inline
//! cache words (zero in a template). `A`, `B`, `C` name registers unless the form says otherwise; `sBx` is a signed
//! 32-bit, `Bx` an unsigned 32-bit operand in the place of `B:C`; `sB`, `sC` are signed 16-bit.
//! A jump offset counts words and is relative to the jump instruction's own word. A taken jump with a negative
//! offset polls the interrupt word, so every loop has one.
//!
//! Calls: the callee sits in `R[A]`, `R[A+1..A+4)` belong to the machine, arguments start at `R[A+4]`: that is where
//! the callee's registers begin. The result comes back in `R[A]`. Everything above `A` is dead after a call.
//! Every instruction that can push a frame through the call protocol (`call` column) has exactly one cache word.

/// What the operands of an instruction mean; used by the listing and the verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No operands.
    None,
    /// `A` register.
    A,
    /// `A`, `B` registers.
    AB,
    /// `A`, `B`, `C` registers.
    ABC,
    /// `A` register, signed 32-bit immediate.
    ASbx,
    /// `A` register, constant index `Bx`.
    AConst,
    /// `A` register, name index `Bx`.
    AName,
    /// `A`, `B` registers, name index `C`.
    ABName,
    /// `A`, `B` registers, signed immediate `C`.
    ABImm,
    /// Jump by `sBx`; `A` unused.
    Jump,
    /// Jump by `sBx` depending on register `A`.
    AJump,
    /// Jump by `sC` depending on registers `A`, `B`.
    ABJump,
    /// Jump by `sC` depending on register `A` and the signed immediate `B`.
    AImmJump,
    /// `A` register, `B` count, `C` free-form.
    Call,
    /// `A` destination, registers `R[B..B+C)` read.
    Range,
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])* $name:ident $form:ident $cache:literal;)*) => {
        /// An opcode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])* $name,)* }

        /// Every opcode, in numeric order.
        pub const ALL: &[Op] = &[$(Op::$name,)*];

        const FORMS: &[Form] = &[$(Form::$form,)*];
        const CACHES: &[u8] = &[$($cache,)*];
        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

ops! {
    // ---- moves and constants
    /// Nothing.
    Nop None 0;
    /// `R[A] = R[B]`
    Move AB 0;
    /// `R[A] = int sBx`
    LoadInt ASbx 0;
    /// `R[A] = consts[Bx]`
    LoadConst AConst 0;
    /// `R[A] = special value` whose word is `Bx` (see `Special`: None 0x03, False 0x0b, True 0x13, unbound 0x1b, NotImplemented 0x23, Ellipsis 0x2b).
    LoadSpecial ASbx 0;
    /// `R[A] = a builtin` fixed at compile time whatever the script rebinds; `Bx`: 0 AssertionError, 1 `__build_class__`, 2 StopAsyncIteration.
    LoadBuiltin ASbx 0;
    /// If `R[A]` is unbound raise UnboundLocalError naming `names[Bx]`.
    CheckBound AName 0;

    // ---- cells (captured variables) and free variables
    /// `R[A] = new cell` holding `R[B]`; `B == 0xffff`: an unbound cell.
    NewCell AB 0;
    /// `R[A] = cell R[B]'s value`; unbound raises naming `names[C]` (UnboundLocalError; a class body's `__class__` cell likewise).
    GetCell ABName 0;
    /// `cell R[A] = R[B]`; storing the unbound special deletes.
    SetCell AB 0;
    /// `R[A] = value of closure[B]`; unbound raises NameError naming `names[C]` (cannot access free variable).
    GetFree ABName 0;
    /// `closure[B] = R[A]`; storing the unbound special deletes.
    SetFree AB 0;
    /// `R[A] = closure[B]`, the cell itself (to build an inner closure).
    LoadFree AB 0;

    // ---- globals and class-body names
    /// `R[A] = global or builtin names[Bx]`. Caches: global cell, builtins cell.
    GetGlobal AName 2;
    /// `global names[Bx] = R[A]`. Cache: global cell.
    SetGlobal AName 1;
    /// `del global names[Bx]`; `A` unused.
    DelGlobal AName 0;
    /// Class body or exec-with-locals: `R[A] = names[Bx]` from the namespace in register 0, then globals, then builtins.
    GetName AName 0;
    /// Class body: `R[A] = names[C]` from the namespace in register 0, else the value of `closure[B]`.
    GetNameFree ABName 0;
    /// Namespace in register 0: `names[Bx] = R[A]`.
    SetName AName 0;
    /// Namespace in register 0: `del names[Bx]`; `A` unused.
    DelName AName 0;
    /// `R[A] = the __annotations__ dict` of the namespace, made if missing; `B` = 1: of register 0's namespace, 0: of the globals.
    Annotations AB 0;

    // ---- arithmetic: `R[A] = R[B] op R[C]`; aux 1 = in-place form (`+=`)
    Add ABC 0;
    Sub ABC 0;
    Mul ABC 0;
    Div ABC 0;
    FloorDiv ABC 0;
    Mod ABC 0;
    Pow ABC 0;
    MatMul ABC 0;
    LShift ABC 0;
    RShift ABC 0;
    BitAnd ABC 0;
    BitOr ABC 0;
    BitXor ABC 0;
    /// `R[A] = R[B] + sC`; aux as above for all immediate forms
    AddImm ABImm 0;
    SubImm ABImm 0;
    MulImm ABImm 0;
    FloorDivImm ABImm 0;
    ModImm ABImm 0;
    BitAndImm ABImm 0;
    /// `R[A] = -R[B]`
    Neg AB 0;
    Pos AB 0;
    Invert AB 0;
    /// `R[A] = not R[B]`
    Not AB 0;

    // ---- comparison to a value: `R[A] = R[B] op R[C]`
    Lt ABC 0;
    Le ABC 0;
    Eq ABC 0;
    Ne ABC 0;
    Gt ABC 0;
    Ge ABC 0;
    /// `R[A] = R[B] is R[C]`; aux 1: `is not`
    Is ABC 0;
    /// `R[A] = R[B] in R[C]`; aux 1: `not in`
    In ABC 0;

    // ---- jumps
    Jump Jump 0;
    /// Jump if `R[A]` is true.
    JumpTrue AJump 0;
    /// Jump if `R[A]` is false.
    JumpFalse AJump 0;
    /// Jump if `R[A] is None`; aux 1: if it is not None.
    JumpNone AJump 0;
    /// Jump if `(R[A] < R[B])` is true (aux 1) or is false (aux 0). The same for the next ones.
    JumpLt ABJump 0;
    JumpLe ABJump 0;
    JumpEq ABJump 0;
    JumpNe ABJump 0;
    JumpGt ABJump 0;
    JumpGe ABJump 0;
    /// Jump if `R[A] is R[B]` equals aux.
    JumpIs ABJump 0;
    /// Jump if `(R[A] < sB)` equals aux, jumping by `sC`. The same for the next ones.
    JumpLtImm AImmJump 0;
    JumpLeImm AImmJump 0;
    JumpEqImm AImmJump 0;
    JumpNeImm AImmJump 0;
    JumpGtImm AImmJump 0;
    JumpGeImm AImmJump 0;

    // ---- iteration
    /// Start iterating `R[B]`: `R[A..A+4)` become iteration state that only `ForNext` reads.
    GetIter AB 0;
    /// Advance the state in `R[A..A+4)`: if there is an item, `R[B] = item` and jump by `sC` (backwards to the body); else fall through.
    ForNext ABJump 0;
    /// `R[A] = iter(R[B])`, a real iterator object (the argument of a generator expression). It is always followed by a call or `GetIter`.
    IterObject AB 0;
    /// `R[A] = R[B].__aiter__()`
    GetAiter AB 0;
    /// `R[A] = awaitable of R[B].__anext__()`
    GetAnext AB 0;
    /// Exception `R[A]` is StopAsyncIteration: jump by `sBx`; else re-raise it.
    EndAsyncFor AJump 0;
    /// Unpack `R[B]` into exactly `C` registers `R[A..A+C)`.
    Unpack ABImm 0;
    /// Unpack `R[B]` into `C` leading items, a list, and `aux` trailing items from `R[A]` on.
    UnpackEx ABImm 0;

    // ---- calls
    /// `R[A] = R[A](R[A+4..A+4+B))`
    Call Call 1;
    /// Method form: `R[A]` and `R[A+4]` come from `LoadMethod` or `LoadSpecialMethod`, `B` further arguments from `R[A+5]`.
    CallMethod Call 1;
    /// Like `Call` with `B` arguments in all, the last ones named by the tuple `consts[C]`; aux 1: method form (arguments from `R[A+5]`).
    CallKw Call 1;
    /// `R[A] = R[A](*R[A+4], **R[A+5])`; `R[A+4]` is a list or tuple; `R[A+5]` a dict, or unbound for none.
    CallEx Call 1;
    /// `R[A] = the attribute names[C] of R[B]` ready for `CallMethod`: either the function with `R[A+4] = R[B]`, or a bound value with `R[A+4]` unbound. Caches: shape, entry.
    LoadMethod ABName 2;
    /// The same for a special method looked up on the type: aux 0 `__enter__`, 1 `__exit__`, 2 `__aenter__`, 3 `__aexit__`.
    LoadSpecialMethod AB 0;
    /// `R[A] = super(R[B], R[C])` if `R[A]` is the builtin `super`, else `R[A]()`: a bare `super()` in a method. `R[B]` is the class or unbound (no `__class__` yet).
    Super ABC 0;
    /// Return `R[A]`.
    Return A 0;
    /// Return None.
    ReturnNone None 0;

    // ---- attributes and items
    /// `R[A] = R[B].names[C]`. Caches: shape, entry.
    GetAttr ABName 2;
    /// `R[A].names[C] = R[B]`. Caches: shape, new shape.
    SetAttr ABName 2;
    /// `del R[A].names[C]`; `B` unused.
    DelAttr ABName 0;
    /// `R[A] = R[B][R[C]]`
    GetItem ABC 0;
    /// `R[A][R[B]] = R[C]`
    SetItem ABC 0;
    /// `del R[A][R[B]]`
    DelItem AB 0;
    /// `R[A] = R[B][sC]`
    GetItemImm ABImm 0;
    /// `R[A] = slice(R[B], R[B+1], R[B+2])`; `C` is 3.
    Slice Range 0;

    // ---- building
    /// `R[A] = [R[B..B+C)]`
    List Range 0;
    Tuple Range 0;
    Set Range 0;
    /// `R[A] = {R[B]: R[B+1], ...}` from `C` registers (an even number).
    Dict Range 0;
    /// Append `R[B]` to the list `R[A]`.
    ListAppend AB 0;
    /// Extend the list `R[A]` by iterating `R[B]`; aux 1: it is a call's `*argument` (other error text).
    ListExtend AB 0;
    SetAdd AB 0;
    SetUpdate AB 0;
    /// `dict R[A][R[B]] = R[C]`
    DictSet ABC 0;
    /// Update the dict `R[A]` from the mapping `R[B]`; aux 1: as `**kwargs` of a call (duplicates are errors; `R[C]` is the callee).
    DictUpdate ABC 0;
    /// `R[A] = tuple(list R[B])`
    ListToTuple AB 0;
    /// `R[A] = format(R[B], R[C])`, `C == 0xffff`: empty spec; aux: 0 none, `s`, `r` or `a` conversion as its ASCII code.
    Format ABC 0;
    /// `R[A] = ''.join(R[B..B+C))`, all of them str.
    Concat Range 0;

    // ---- functions and classes
    /// `R[A] = function of children[B]`; from `R[C]` on, in this order, one register for each aux bit: 1 tuple of positional defaults, 2 dict of keyword defaults, 4 annotations dict, 8 closure (tuple of cells), 16 type parameters tuple.
    Function ABC 0;
    /// Type-level helpers on `R[B..B+C)`; aux is an `Intrinsic`.
    Intrinsic Range 0;

    // ---- exceptions
    /// Raise `R[A]`.
    Raise A 0;
    /// Raise `R[A]` from `R[B]`.
    RaiseFrom AB 0;
    /// Raise the exception `R[A]` again, touching neither its context nor (beyond this frame) its traceback.
    Reraise A 0;
    /// A bare `raise`.
    RaiseBare None 0;
    /// Entering a handler: `R[A] =` the exception being handled so far; `R[B]` becomes it.
    PushExc AB 0;
    /// Leaving a handler by any way: what is being handled is `R[A]` again.
    PopExc A 0;
    /// Jump by `sC` if the exception `R[A]` does not match the type (or tuple) `R[B]`.
    JumpNoMatch ABJump 0;
    /// `except*`: split the exception `R[B]` by type `R[C]`: `R[A]` = matching group or None, `R[A+1]` = the rest or None.
    SplitGroup ABC 0;
    /// `except*`: from the original `R[B]` and the list `R[C]` of raised and unhandled ones, `R[A]` = what to raise, or None.
    JoinGroup ABC 0;

    // ---- generators and coroutines
    /// First instruction of a generator, coroutine or async generator: make its object and return it to the caller.
    MakeGenerator None 0;
    /// Yield `R[B]`; on resumption `R[A]` = the value sent. aux 1: passing on what sub-iterator `R[C]` yielded (throw and close go to it); aux 2: an async generator's own `yield`.
    Yield ABC 0;
    /// Return `R[A]` from a generator, coroutine or async generator.
    ReturnGen A 0;
    /// `R[A] = the iterator that `yield from R[B]` drives`.
    GetYieldFrom AB 0;
    /// `R[A] = the iterator that `await R[B]` drives`; aux 1: from `__aenter__`, 2: from `__aexit__` (error texts).
    GetAwaitable AB 0;
    /// Send `R[B]` to the iterator `R[A]`: it yields: `R[B] =` that value, fall through; it ends: `R[B] =` its result, jump by `sC`.
    Send ABJump 0;

    // ---- imports
    /// `R[A] = import names[C]`; `R[B]` is the fromlist tuple or None; aux is the level.
    ImportName ABName 0;
    /// `R[A] = from R[B] import names[C]`
    ImportFrom ABName 0;
    /// `from R[A] import *` into the globals, or into register 0's namespace if aux is 1.
    ImportStar A 0;

    // ---- pattern matching
    /// `R[A] = R[B] matches sequence patterns`
    MatchSequence AB 0;
    MatchMapping AB 0;
    /// `R[A] = len(R[B])`
    Len AB 0;
    /// Subject `R[B]`, tuple of keys `R[C]`: `R[A]` = tuple of values, or None if one is missing.
    MatchKeys ABC 0;
    /// Subject `R[B]`, class `R[C]`, `aux` positional patterns, tuple of keyword names in `R[A]`: `R[A]` = tuple of attributes or None.
    MatchClass ABC 0;
    /// `**rest`: `R[A] = dict(R[B])` without the keys in tuple `R[C]`.
    MatchRest ABC 0;

    // ---- the machine's own; never emitted by the compiler
    /// Leave `vm::run` with `R[0]` as the result of the entry frame.
    Exit None 0;
    /// The frame called from a barrier has returned: go back to the frame below the barrier.
    SegmentReturn None 0;
    /// The special method called for an instruction that is no call has returned: give that instruction its result.
    SpecialReturn None 0;
    /// Enter the resumable native whose frame this is; aux 2: for the first time, 0: with the value in `R[A]`, 1: with the exception in `R[A]`, 3: the iteration ended.
    ResumeNative Call 1;
    /// After `__init__`: check that `R[A]` is None.
    CheckInit A 0;
}

/// `Op::Intrinsic`'s aux: small operations for type-level syntax and the REPL, over registers `R[B..B+C)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Intrinsic {
    /// (name)
    TypeVar,
    /// (name, thunk): the bound or constraints (a tuple) is computed lazily by calling the thunk
    TypeVarBound,
    /// (name)
    ParamSpec,
    /// (name)
    TypeVarTuple,
    /// (type variable, thunk): set its default, result is the type variable
    TypeParamDefault,
    /// (name, type params tuple or None, thunk): a `type X = ...` alias
    TypeAlias,
    /// (type params tuple): `Generic[*params]`, the implicit base of a generic class
    SubscriptGeneric,
    /// (value): show it as the REPL does
    DisplayHook,
}

impl Op {
    pub fn from_byte(byte: u8) -> Option<Op> {
        ALL.get(byte as usize).copied()
    }
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
    pub fn form(self) -> Form {
        FORMS[self as usize]
    }
    /// Control never goes on to the next instruction.
    pub fn ends_path(self) -> bool {
        use Op::*;
        matches!(self, Return | ReturnNone | ReturnGen | Raise | RaiseFrom | Reraise | RaiseBare | Jump)
    }
    /// How many inline cache words follow the instruction.
    pub fn cache_words(self) -> usize {
        CACHES[self as usize] as usize
    }
}

/// Packs `op aux A B C`.
pub const fn abc(op: Op, aux: u8, a: u16, b: u16, c: u16) -> u64 {
    op as u64 | (aux as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48
}

/// Packs `op aux A Bx`; pass a signed operand as `x as u32`.
pub const fn abx(op: Op, aux: u8, a: u16, bx: u32) -> u64 {
    op as u64 | (aux as u64) << 8 | (a as u64) << 16 | (bx as u64) << 32
}

/// The special values' words, as `Op::LoadSpecial` takes them.
pub mod special {
    pub const NONE: u32 = 0x03;
    pub const FALSE: u32 = 0x0b;
    pub const TRUE: u32 = 0x13;
    pub const UNBOUND: u32 = 0x1b;
    pub const NOT_IMPLEMENTED: u32 = 0x23;
    pub const ELLIPSIS: u32 = 0x2b;
}
