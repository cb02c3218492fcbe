//! The listing of a template: what `conc check --bytecode` prints and golden tests compare.

use std::fmt::Write;

use super::op::{Form, Op, special};
use super::template::{CodeTemplate, Const, flags};
use super::verify::{Instruction, instructions};

/// Lists a template and all code within it.
pub fn list(template: &CodeTemplate) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_template(&mut out, template);
    out
}

fn write_template(out: &mut String, t: &CodeTemplate) -> std::fmt::Result {
    write!(out, "code {} line {}: {} locals, {} registers", t.qualname, t.first_line, t.nlocals, t.nregs)?;
    writeln!(out, ", args {}/{}/{}{}", t.argcount, t.posonly, t.kwonly, flag_names(t.flags))?;
    for local in &t.locals {
        writeln!(out, "  r{} {}{}", local.register, local.name, if local.is_cell { " (cell)" } else { "" })?;
    }
    if !t.free.is_empty() {
        writeln!(out, "  free {}", t.free.join(", "))?;
    }
    if let Some(doc) = &t.doc {
        writeln!(out, "  doc {:?}", String::from_utf8_lossy(doc))?;
    }
    let mut line = 0;
    for i in instructions(&t.code) {
        let now = t.position(i.at).map_or(0, |p| t.source.line_of(p.span.start));
        let shown = if now == line { String::new() } else { now.to_string() };
        line = now;
        writeln!(out, "{shown:>5} {:>5}  {:<18}{}", i.at, i.op.name(), operands(t, &i))?;
    }
    for h in &t.handlers {
        writeln!(out, "  handler {}..{} -> {} r{}", h.start, h.end, h.target, h.exc)?;
    }
    for child in &t.children {
        writeln!(out)?;
        write_template(out, child)?;
    }
    Ok(())
}

fn flag_names(bits: u32) -> String {
    let names = [
        (flags::VARARGS, "varargs"),
        (flags::VARKEYWORDS, "varkeywords"),
        (flags::GENERATOR, "generator"),
        (flags::COROUTINE, "coroutine"),
        (flags::ASYNC_GENERATOR, "async_generator"),
        (flags::CLASS_BODY, "class_body"),
        (flags::NAMESPACE, "namespace"),
    ];
    names.iter().filter(|(flag, _)| bits & flag != 0).map(|(_, name)| format!(" {name}")).collect()
}

fn operands(t: &CodeTemplate, i: &Instruction) -> String {
    let name = |at: u32| t.names.get(at as usize).map_or("?", |n| n).to_string();
    let constant = |at: u32| t.consts.get(at as usize).map_or("?".into(), shown);
    let (a, b, c) = (i.a, i.b, i.c);
    let aux = if i.aux == 0 { String::new() } else { format!(" #{}", i.aux) };
    let target = i.target().unwrap_or(0);
    let reg_or_none = |reg: u16| if reg == 0xffff { "-".into() } else { format!("r{reg}") };
    let free = |at: u16| t.free.get(at as usize).map_or("?", |n| n).to_string();
    let text = match (i.op, i.op.form()) {
        (Op::LoadSpecial, _) => format!("r{a} {}", special_name(i.bx())),
        (Op::GetFree | Op::GetNameFree, _) => format!("r{a} closure {b} {}", free(b)),
        (Op::SetFree | Op::LoadFree, _) => format!("r{a} closure {b} {}", free(b)),
        (Op::NewCell, _) => format!("r{a} {}", reg_or_none(b)),
        (Op::Annotations, _) => format!("r{a} {b}"),
        (Op::Unpack, _) => format!("r{a}..{} r{b}", u32::from(a) + u32::from(c)),
        (Op::UnpackEx, _) => format!("r{a} r{b} {c}+*+{}", i.aux),
        (Op::Format, _) => format!("r{a} r{b} {}", reg_or_none(c)),
        (Op::CallKw, _) => format!("r{a} {b} {}", constant(u32::from(c))),
        (Op::Function, _) => format!("r{a} {} r{c}", t.children.get(b as usize).map_or("?", |f| &f.qualname)),
        (Op::DelGlobal | Op::DelName, _) => name(i.bx()),
        (_, Form::None) => String::new(),
        (_, Form::A) => format!("r{a}"),
        (_, Form::AB) => format!("r{a} r{b}"),
        (_, Form::ABC) => format!("r{a} r{b} r{c}"),
        (_, Form::ASbx) => format!("r{a} {}", i.bx() as i32),
        (_, Form::AConst) => format!("r{a} {}", constant(i.bx())),
        (_, Form::AName) => format!("r{a} {}", name(i.bx())),
        (_, Form::ABName) => format!("r{a} r{b} {}", name(u32::from(c))),
        (_, Form::ABImm) => format!("r{a} r{b} {}", c as i16),
        (_, Form::Jump) => format!("-> {target}"),
        (_, Form::AJump) => format!("r{a} -> {target}"),
        (_, Form::ABJump) => format!("r{a} r{b} -> {target}"),
        (_, Form::AImmJump) => format!("r{a} {} -> {target}", b as i16),
        (_, Form::Call) => format!("r{a} {b}"),
        (_, Form::Range) => format!("r{a} r{b}..{}", u32::from(b) + u32::from(c)),
    };
    text + &aux
}

fn special_name(word: u32) -> String {
    match word {
        special::NONE => "None".into(),
        special::FALSE => "False".into(),
        special::TRUE => "True".into(),
        special::UNBOUND => "unbound".into(),
        special::NOT_IMPLEMENTED => "NotImplemented".into(),
        special::ELLIPSIS => "...".into(),
        other => format!("{other:#x}"),
    }
}

fn shown(value: &Const) -> String {
    let all = |items: &[Const]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        Const::None => "None".into(),
        Const::True => "True".into(),
        Const::False => "False".into(),
        Const::Ellipsis => "...".into(),
        Const::Int(i) => i.to_string(),
        Const::BigInt { radix, digits } => format!("{digits} (base {radix})"),
        Const::Float(x) => format!("{x:?}"),
        Const::Complex(re, im) => format!("({re:?}+{im:?}j)"),
        Const::Str(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Const::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Const::Tuple(items) => format!("({})", all(items)),
        Const::FrozenSet(items) => format!("{{{}}}", all(items)),
    }
}
