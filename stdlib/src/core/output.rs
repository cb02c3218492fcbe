//! print and input.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::shared;

/// `sys.name`, looked up at the moment; None if it is missing.
pub fn sys_value(cx: &mut Ctx, name: Gc<Str>) -> Option<Value> {
    let sys = cx.iso().roots.sys.get();
    match sys.cast::<Module>() {
        Some(module) => module.dict().get_str(cx, name),
        None => sys.cast::<Dict>().and_then(|d| d.get_str(cx, name)),
    }
}

/// `sep` or `end`: None means the default.
fn piece(cx: &mut Ctx, v: Value, name: &str) -> R<Option<Gc<Str>>> {
    if v.is_none() {
        return Ok(None);
    }
    shared::text_arg(cx, v, |got| format!("{name} must be None or a string, not {got}")).map(Some)
}

fn append(cx: &mut Ctx, v: Value, out: &mut Vec<u8>) -> R<()> {
    match cx.exact_str(v) {
        Some(s) => out.extend_from_slice(s.as_bytes()),
        None if v.is_int() || v.is_float() => {
            cx.native_repr(v, out)?;
        }
        None => {
            let s = cx.to_str(v)?;
            out.extend_from_slice(s.as_bytes());
        }
    }
    Ok(())
}

pub fn print(cx: &mut Ctx, args: &[Value], sep: Value, end: Value, file: Value, flush: bool) -> R<()> {
    let (sep, end) = (piece(cx, sep, "sep")?, piece(cx, end, "end")?);
    let name = cx.names().stdout;
    let file = if file.is_none() { sys_value(cx, name).unwrap_or(Value::UNBOUND) } else { file };
    if file.is_none() {
        return Ok(());
    }
    if !file.is_unbound() && !crate::io::wrapper::is_fast(cx, file) {
        print_pieces(cx, args, sep, end, file)?;
    } else {
        let mut out = Vec::with_capacity(64);
        let result = join(cx, args, sep, &mut out);
        match (result.is_ok(), end) {
            (false, _) => {}
            (true, Some(end)) => out.extend_from_slice(end.as_bytes()),
            (true, None) => out.push(b'\n'),
        }
        // What came before a value that cannot be shown is printed all the same.
        if !out.is_empty() {
            write_to(cx, file, &out)?;
        }
        result?;
    }
    if flush {
        flush_file(cx, file)?;
    }
    Ok(())
}

/// The values with separators between them.
fn join(cx: &mut Ctx, args: &[Value], sep: Option<Gc<Str>>, out: &mut Vec<u8>) -> R<()> {
    for (i, &arg) in args.iter().enumerate() {
        if i > 0 {
            match sep {
                Some(sep) => out.extend_from_slice(sep.as_bytes()),
                None => out.push(b' '),
            }
        }
        append(cx, arg, out)?;
    }
    Ok(())
}

/// Prints to a script's own file object: one call of its `write` for each piece.
fn print_pieces(cx: &mut Ctx, args: &[Value], sep: Option<Gc<Str>>, end: Option<Gc<Str>>, file: Value) -> R<()> {
    let name = cx.names().write;
    let write = cx.get_attr(file, name)?;
    for (i, &arg) in args.iter().enumerate() {
        if i > 0 {
            let sep = match sep {
                Some(sep) => sep,
                None => cx.char_str(b' '),
            };
            cx.call(write, &[sep.value()])?;
        }
        let text = cx.to_str(arg)?;
        cx.call(write, &[text.value()])?;
    }
    let end = match end {
        Some(end) => end,
        None => cx.char_str(b'\n'),
    };
    cx.call(write, &[end.value()]).map(drop)
}

/// Writes text to a file object, or to the process's standard output before sys.stdout exists.
pub fn write_to(cx: &mut Ctx, file: Value, text: &[u8]) -> R<()> {
    if file.is_unbound() {
        use std::io::Write;
        let _ = std::io::stdout().write_all(text);
        let _ = std::io::stdout().flush();
        return Ok(());
    }
    if crate::io::wrapper::write_fast(cx, file, text)? {
        return Ok(());
    }
    let text = cx.try_wtf8(text)?;
    let name = cx.names().write;
    let write = cx.get_attr(file, name)?;
    cx.call(write, &[text.value()]).map(drop)
}

fn flush_file(cx: &mut Ctx, file: Value) -> R<()> {
    if file.is_unbound() {
        return Ok(());
    }
    let name = cx.names().flush;
    let flush = cx.get_attr(file, name)?;
    cx.call(flush, &[]).map(drop)
}

/// Writes to what sys.stdout is now.
pub fn write_stdout(cx: &mut Ctx, text: &[u8]) -> R<()> {
    let name = cx.names().stdout;
    let file = sys_value(cx, name).unwrap_or(Value::UNBOUND);
    if file.is_none() { Ok(()) } else { write_to(cx, file, text) }
}

pub fn input(cx: &mut Ctx, prompt: Option<Value>) -> R {
    let (stdin, stdout) = (cx.names().stdin, cx.names().stdout);
    let input = sys_value(cx, stdin).unwrap_or(Value::NONE);
    if input.is_none() {
        return Err(cx.runtime_error("input(): lost sys.stdin"));
    }
    let output = sys_value(cx, stdout).unwrap_or(Value::UNBOUND);
    if output.is_none() {
        return Err(cx.runtime_error("input(): lost sys.stdout"));
    }
    if let Some(prompt) = prompt {
        let text = cx.to_str(prompt)?;
        write_to(cx, output, text.as_bytes())?;
    }
    flush_file(cx, output)?;
    let name = cx.names().readline;
    let readline = cx.get_attr(input, name)?;
    let line = cx.call(readline, &[])?;
    let Some(line) = line.cast::<Str>() else {
        return Err(cx.type_error("object.readline() returned non-string"));
    };
    match line.as_bytes() {
        [] => Err(cx.error(ClassId::EOFError, "EOF when reading a line")),
        [rest @ .., b'\n'] => {
            let end = rest.len();
            Ok(cx.sub_bytes(line, 0, end).value())
        }
        _ => Ok(line.value()),
    }
}
