//! Code objects, tracebacks and frames as scripts see them.

use conc_macros::methods;

/// The attributes of code objects.
#[methods]
pub mod methods {
    use super::{code_consts, code_lines, code_positions, strs, var_names};
    use crate::bytecode::template::flags;
    use crate::native::{Ctx, R};
    use crate::object::function::Code;
    use crate::value::{Gc, Value};

    /// Refused: only the compiler makes code objects.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], _kwargs: crate::native::Kwargs) -> R {
        let message = match args.len() {
            n @ 0..16 => format!("code expected at least 16 arguments, got {n}"),
            _ => "cannot create 'code' instances".to_string(),
        };
        Err(cx.type_error(message))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Code>) -> String {
        let (name, t) = (cx.text_of(this.name.get()), this.template());
        let at = this.as_ptr() as usize;
        format!("<code object {name} at {at:#x}, file \"{}\", line {}>", t.source.name, t.first_line)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(this: Gc<Code>, value: Value) -> Value {
        match value.cast::<Code>() {
            Some(other) => Value::bool(this == other || std::ptr::eq(this.template(), other.template())),
            None => Value::NOT_IMPLEMENTED,
        }
    }

    /// Give the number that hash() answers.
    pub fn __hash__(this: Gc<Code>) -> i64 {
        (this.template() as *const _ as usize >> 4) as i64
    }

    /// The name.
    #[getter]
    pub fn co_name(this: Gc<Code>) -> Value {
        this.name.get()
    }
    /// The dotted name.
    #[getter]
    pub fn co_qualname(this: Gc<Code>) -> Value {
        this.qualname.get()
    }
    /// The file it was compiled from.
    #[getter]
    pub fn co_filename(cx: &mut Ctx, this: Gc<Code>) -> Value {
        cx.str(&this.template().source.name)
    }
    /// The first line.
    #[getter]
    pub fn co_firstlineno(this: Gc<Code>) -> i64 {
        this.template().first_line as i64
    }
    /// The number of positional parameters.
    #[getter]
    pub fn co_argcount(this: Gc<Code>) -> i64 {
        this.template().argcount as i64
    }
    /// The number of positional-only parameters.
    #[getter]
    pub fn co_posonlyargcount(this: Gc<Code>) -> i64 {
        this.template().posonly as i64
    }
    /// The number of keyword-only parameters.
    #[getter]
    pub fn co_kwonlyargcount(this: Gc<Code>) -> i64 {
        this.template().kwonly as i64
    }
    /// The number of local variables.
    #[getter]
    pub fn co_nlocals(this: Gc<Code>) -> i64 {
        super::own_locals(this.template()).count() as i64
    }
    /// The size of the frame beyond the locals.
    #[getter]
    pub fn co_stacksize(this: Gc<Code>) -> i64 {
        (this.nregs - this.nlocals) as i64
    }
    /// Flags as CPython numbers them.
    #[getter]
    pub fn co_flags(this: Gc<Code>) -> i64 {
        (this.flags & !(flags::CLASS_BODY | flags::NAMESPACE)) as i64
    }
    /// The constants.
    #[getter]
    pub fn co_consts(cx: &mut Ctx, this: Gc<Code>) -> R {
        code_consts(cx, this)
    }
    /// The names of globals and attributes.
    #[getter]
    pub fn co_names(this: Gc<Code>) -> Value {
        this.names.get()
    }
    /// The names of the local variables, parameters first.
    #[getter]
    pub fn co_varnames(cx: &mut Ctx, this: Gc<Code>) -> R {
        var_names(cx, this, false)
    }
    /// The names of the locals that inner functions use.
    #[getter]
    pub fn co_cellvars(cx: &mut Ctx, this: Gc<Code>) -> R {
        var_names(cx, this, true)
    }
    /// The names of the captured variables.
    #[getter]
    pub fn co_freevars(cx: &mut Ctx, this: Gc<Code>) -> R {
        strs(cx, this.template().free.iter().map(|s| &**s))
    }
    /// The instructions as bytes.
    #[getter]
    pub fn co_code(cx: &mut Ctx, this: Gc<Code>) -> R {
        let bytes: Vec<u8> = this.template().code.iter().flat_map(|w| w.to_le_bytes()).collect();
        cx.bytes(&bytes)
    }
    /// Line numbers as (start, end, line) triples.
    pub fn co_lines(cx: &mut Ctx, this: Gc<Code>) -> R {
        code_lines(cx, this)
    }
    /// Positions as (line, end line, column, end column), one per instruction.
    pub fn co_positions(cx: &mut Ctx, this: Gc<Code>) -> R {
        code_positions(cx, this)
    }
    /// A copy of the code object: fields cannot be changed, so it is the same one.
    pub fn replace(cx: &mut Ctx, this: Gc<Code>, kwargs: crate::native::Kwargs) -> R {
        match kwargs.0 {
            Some(k) if !k.is_empty() => Err(cx.value_error("code.replace() cannot change fields here")),
            _ => Ok(this.value()),
        }
    }
}

/// The attributes of tracebacks.
#[methods]
pub mod traceback {
    use super::{line_at, traceback_frame};
    use crate::native::{Ctx, R};
    use crate::object::exception::Traceback;
    use crate::object::sequence::List;
    use crate::value::{Gc, Value};

    /// The next, inner entry.
    #[getter]
    pub fn tb_next(this: Gc<Traceback>) -> Value {
        let next = this.next.get();
        if next.is_a::<Traceback>() { next } else { Value::NONE }
    }
    /// Replaces the inner entry.
    #[setter]
    #[name = "tb_next"]
    pub fn set_next(cx: &mut Ctx, this: Gc<Traceback>, value: Value) -> R<()> {
        if value.is_unbound() {
            return Err(cx.type_error("can't delete tb_next attribute"));
        }
        if !value.is_none() && !value.is_a::<Traceback>() {
            let got = cx.type_name(value);
            return Err(cx.type_error(format!("expected traceback object or None, got '{got}'")));
        }
        let mut at = value;
        while let Some(tb) = at.cast::<Traceback>() {
            if tb == this {
                return Err(cx.value_error("traceback loop detected"));
            }
            at = tb.next.get();
        }
        this.next.set(value);
        Ok(())
    }
    /// The line.
    #[getter]
    pub fn tb_lineno(this: Gc<Traceback>) -> Value {
        line_at(this.code.get(), this.at)
    }
    /// The instruction.
    #[getter]
    pub fn tb_lasti(this: Gc<Traceback>) -> i64 {
        this.at as i64
    }
    /// The frame.
    #[getter]
    pub fn tb_frame(cx: &mut Ctx, this: Gc<Traceback>) -> R {
        traceback_frame(cx, this)
    }
    /// The names of the attributes.
    pub fn __dir__(cx: &mut Ctx, _this: Value) -> R<Gc<List>> {
        let list = cx.new_list();
        for name in ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"] {
            let name = cx.intern(name).value();
            cx.list_push(list, name)?;
        }
        Ok(list)
    }
}

/// The attributes of frames.
#[methods]
pub mod frame {
    use super::{frame_code_name, line_at};
    use crate::native::{Ctx, R};
    use crate::object::exception::FrameObject;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<FrameObject>) -> String {
        let (file, name) = frame_code_name(cx, this);
        let line = line_at(this.code.get(), this.at).as_int().unwrap_or(0);
        let at = this.as_ptr() as usize;
        format!("<frame at {at:#x}, file '{file}', line {line}, code {name}>")
    }
    /// The code.
    #[getter]
    pub fn f_code(this: Gc<FrameObject>) -> Value {
        this.code.get()
    }
    /// The caller's frame.
    #[getter]
    pub fn f_back(this: Gc<FrameObject>) -> Value {
        this.back.get()
    }
    /// The local variables.
    #[getter]
    pub fn f_locals(this: Gc<FrameObject>) -> Value {
        this.locals.get()
    }
    /// The namespace of the globals.
    #[getter]
    pub fn f_globals(this: Gc<FrameObject>) -> Value {
        this.globals.get()
    }
    /// The namespace of the builtins.
    #[getter]
    pub fn f_builtins(cx: &mut Ctx, _this: Gc<FrameObject>) -> Value {
        cx.iso().roots.builtins.get()
    }
    /// The line.
    #[getter]
    pub fn f_lineno(this: Gc<FrameObject>) -> Value {
        line_at(this.code.get(), this.at)
    }
    /// The instruction.
    #[getter]
    pub fn f_lasti(this: Gc<FrameObject>) -> i64 {
        this.at as i64
    }
    /// The trace function: none.
    #[getter]
    pub fn f_trace(_this: Gc<FrameObject>) -> Value {
        Value::NONE
    }
    /// Frames are snapshots: there is nothing to clear.
    pub fn clear(_cx: &mut Ctx, _this: Gc<FrameObject>) -> R<()> {
        Ok(())
    }
}

use crate::bytecode::template::{CodeTemplate, Local};
use crate::native::{Ctx, R};
use crate::object::exception::{FrameObject, Traceback};
use crate::object::function::Code;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// The locals that scripts know of.
fn own_locals(template: &CodeTemplate) -> impl Iterator<Item = &Local> {
    template.locals.iter().filter(|l| !l.name.starts_with('.') || l.name[1..].parse::<u32>().is_ok())
}

fn strs<'a>(cx: &mut Ctx, names: impl Iterator<Item = &'a str>) -> R {
    let list = cx.new_list();
    for name in names {
        let name = cx.intern(name).value();
        cx.list_push(list, name)?;
    }
    cx.list_to_tuple(list)
}

fn var_names(cx: &mut Ctx, code: Gc<Code>, cells: bool) -> R {
    let names = own_locals(code.template()).filter(|l| !cells || l.is_cell).map(|l| &*l.name);
    strs(cx, names)
}

/// The constants, a docstring first, codes of inner functions last.
fn code_consts(cx: &mut Ctx, code: Gc<Code>) -> R {
    let list = cx.new_list();
    let doc = match code.template().doc.as_deref() {
        Some(doc) => cx.new_wtf8(doc).value(),
        None => Value::NONE,
    };
    cx.list_push(list, doc)?;
    if let Some(consts) = code.consts.get().cast::<Tuple>() {
        for &c in consts.items() {
            if c != doc {
                cx.list_push(list, c)?;
            }
        }
    }
    for i in 0..code.template().children.len() {
        let child = cx.child_code(code, i)?;
        cx.list_push(list, child.value())?;
    }
    cx.list_to_tuple(list)
}

/// The line of the instruction at word `at`.
fn line_at(code: Value, at: u32) -> Value {
    let Some(code) = code.cast::<Code>() else { return Value::NONE };
    let template = code.template();
    let line = template.position(at).map_or(template.first_line, |p| template.source.line_of(p.span.start));
    Value::small_int(line as i64)
}

fn code_lines(cx: &mut Ctx, code: Gc<Code>) -> R {
    let list = cx.new_list();
    let template = code.template();
    for (i, p) in template.positions.iter().enumerate() {
        let end = template.positions.get(i + 1).map_or(template.code.len() as u32, |n| n.at);
        let line = template.source.line_of(p.span.start);
        let numbers = [p.at as i64, end as i64, line as i64].map(Value::small_int);
        let triple = cx.tuple(&numbers)?;
        cx.list_push(list, triple)?;
    }
    cx.iter(list.value())
}

fn code_positions(cx: &mut Ctx, code: Gc<Code>) -> R {
    let list = cx.new_list();
    let template = code.template();
    for p in &template.positions {
        let source = &template.source;
        let (line, end) = (source.line_of(p.span.start), source.line_of(p.span.end));
        let column = |line: u32, at: u32| at - source.line_starts.get(line as usize - 1).copied().unwrap_or(0);
        let numbers = [line, end, column(line, p.span.start), column(end, p.span.end)];
        let place = cx.tuple(&numbers.map(|n| Value::small_int(n as i64)))?;
        cx.list_push(list, place)?;
    }
    cx.iter(list.value())
}

fn frame_code_name(cx: &Ctx, frame: Gc<FrameObject>) -> (String, String) {
    match frame.code.get().cast::<Code>() {
        Some(code) => (code.template().source.name.to_string(), cx.text_of(code.name.get())),
        None => ("?".into(), "?".into()),
    }
}

/// The frame of a traceback entry.
fn traceback_frame(cx: &mut Ctx, tb: Gc<Traceback>) -> R {
    let known = tb.frame.get();
    if known.is_a::<FrameObject>() {
        return Ok(known);
    }
    let locals = crate::object::locals::of_traceback(cx, tb)?;
    let (code, at) = (tb.code.get(), tb.at);
    let globals = code.cast::<Code>().map_or(Value::NONE, |c| c.globals.get());
    let frame = cx.new_frame_object(|f| {
        f.code.set(code);
        f.back.set_immediate(Value::NONE);
        f.locals.set(locals);
        f.globals.set(globals);
        f.at = at;
    });
    tb.frame.set(frame);
    Ok(frame)
}
