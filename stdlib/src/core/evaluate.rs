//! Builtin functions that run code: compile, eval, exec, namespaces, and stepping iterators.

use conc_interpreter::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::driven::first_iterates;
use conc_interpreter::object::function::{Code, Function};
use conc_interpreter::object::generator::Generator;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::Iter;
use conc_interpreter::object::string::{ByteArray, Bytes, Str};
use conc_interpreter::value::{Gc, Value};

pub fn globals(cx: &mut Ctx) -> R {
    match cx.current_globals() {
        Some(dict) => Ok(dict.value()),
        None => Err(cx.error(conc_interpreter::object::kind::ClassId::SystemError, "globals() without a frame")),
    }
}

/// The local variables of the running function, class body or module.
pub fn locals(cx: &mut Ctx) -> R {
    cx.current_locals()
}

/// `__import__`
pub fn import(cx: &mut Ctx, name: Value, globals: Value, fromlist: Value, level: i64) -> R {
    let name = super::shared::text_arg(cx, name, |got| format!("__import__() argument 1 must be str, not {got}"))?;
    let Ok(level) = usize::try_from(level) else { return Err(cx.value_error("level must be >= 0")) };
    let fromlist = if fromlist.is_none() { fromlist } else { cx.collect_tuple(fromlist)?.value() };
    let name = name.to_text().into_owned();
    conc_interpreter::vm::import::import_level(cx, &name, globals.cast::<Dict>(), fromlist, level)
}

/// `next` of what a script makes. Slots: iterator, default.
pub const NEXT: Resume = Resume::when(|cx, frame, entered| next_step(cx, frame, entered).into(), first_iterates)
    .sending(|args| args.get(0).cast().filter(|_| args.get(1).is_unbound()).map(|g| (g, Value::NONE)));

fn next_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (it, default) = (frame.get(0), frame.get(1));
    match entered {
        Entered::With(v) => Ok(Step::Done(v)),
        Entered::Ended(_) if !default.is_unbound() => Ok(Step::Done(default)),
        Entered::Ended(v) => Err(cx.stop_iteration(v)),
        Entered::Raised(e) if !default.is_unbound() && cx.is_error(e, ClassId::StopIteration) => {
            Ok(Step::Done(default))
        }
        Entered::Raised(e) => Err(e),
        Entered::Start if it.is_a::<Generator>() => Ok(Step::Send(it, Value::NONE)),
        Entered::Start if it.is_a::<Iter>() => Ok(Step::Next(it)),
        Entered::Start => {
            let name = cx.names().__next__;
            match cx.lookup_special(it, name) {
                Some(f) if f.is_a::<Function>() => Ok(frame.call(f, &[it])),
                _ => next(cx, it, (!default.is_unbound()).then_some(default)).map(Step::Done),
            }
        }
    }
}

pub fn next(cx: &mut Ctx, iterator: Value, default: Option<Value>) -> R {
    if !cx.is_iterator(iterator) {
        let got = cx.type_name(iterator);
        return Err(cx.type_error(format!("'{got}' object is not an iterator")));
    }
    if default.is_none() {
        // The iterator's own StopIteration goes on as it is, with its value.
        return cx.next_or_stop(iterator);
    }
    match cx.next(iterator)? {
        Some(item) => Ok(item),
        None => match default {
            Some(default) => Ok(default),
            None => Err(cx.stop_iteration(Value::NONE)),
        },
    }
}

pub fn aiter(cx: &mut Ctx, iterable: Value) -> R {
    let (aiter, anext) = (cx.names().__aiter__, cx.names().__anext__);
    let Some(result) = cx.call_special(iterable, aiter, &[])? else {
        let got = cx.type_name(iterable);
        return Err(cx.type_error(format!("'{got}' object is not an async iterable")));
    };
    if cx.lookup_special(result, anext).is_none() {
        let got = cx.type_name(result);
        return Err(cx.type_error(format!("aiter() returned not an async iterator of type '{got}'")));
    }
    Ok(result)
}

pub fn anext(cx: &mut Ctx, iterator: Value, default: Option<Value>) -> R {
    let name = cx.names().__anext__;
    let Some(awaitable) = cx.call_special(iterator, name, &[])? else {
        let got = cx.type_name(iterator);
        return Err(cx.type_error(format!("'{got}' object is not an async iterator")));
    };
    let Some(default) = default else { return Ok(awaitable) };
    let helpers = super::shared::import(cx, "_anext")?;
    super::shared::call_method(cx, helpers, "with_default", &[awaitable, default])
}

/// `__future__.annotations.compiler_flag`
const FUTURE_ANNOTATIONS_FLAG: i64 = 0x0100_0000;

/// What compile, eval and exec may be given: a str, or bytes in the source's own encoding.
fn source_text(cx: &mut Ctx, source: Value, function: &str, or_code: &str) -> R {
    if source.is_a::<Str>() || source.is_a::<Bytes>() {
        return Ok(source);
    }
    if let Some(b) = source.cast::<ByteArray>() {
        return cx.bytes(&b.to_vec());
    }
    Err(cx.type_error(format!("{function}() arg 1 must be a string, bytes or {or_code} object")))
}

#[allow(clippy::too_many_arguments)]
pub fn compile(
    cx: &mut Ctx,
    source: Value,
    filename: Value,
    mode: Value,
    flags: i64,
    _dont_inherit: bool,
    optimize: i64,
) -> R {
    let source = source_text(cx, source, "compile", "AST")?;
    let filename = file_name(cx, filename)?;
    let mode = super::shared::text_arg(cx, mode, |got| format!("compile() argument 'mode' must be str, not {got}"))?;
    let mode = mode.to_text().into_owned();
    if !matches!(mode.as_str(), "exec" | "eval" | "single") {
        return Err(cx.value_error("compile() mode must be 'exec', 'eval' or 'single'"));
    }
    if !(-1..=2).contains(&optimize) {
        return Err(cx.value_error("compile(): invalid optimize value"));
    }
    let source = decoded(cx, source, &filename)?;
    use conc_interpreter::vm::compile::compile_flag::{FUTURE_ANNOTATIONS, NAMESPACE, OPTIMIZE_SHIFT};
    let mut how = (optimize.max(0) as u32) << OPTIMIZE_SHIFT;
    if mode == "eval" {
        // It may be evaluated with locals of its own.
        how |= NAMESPACE;
    }
    if flags & FUTURE_ANNOTATIONS_FLAG != 0 {
        how |= FUTURE_ANNOTATIONS;
    }
    (cx.iso().machine.compile)(cx, source, &filename, &mode, how)
}

fn file_name(cx: &mut Ctx, v: Value) -> R<String> {
    if let Some(b) = v.cast::<Bytes>() {
        return Ok(String::from_utf8_lossy(b.as_bytes()).into_owned());
    }
    let name = cx.names().__fspath__;
    let v = match v.cast::<Str>() {
        Some(_) => v,
        None => match cx.call_special(v, name, &[])? {
            Some(path) => path,
            None => {
                let got = cx.type_name(v);
                let message = format!("expected str, bytes or os.PathLike object, not {got}");
                return Err(cx.type_error(message));
            }
        },
    };
    Ok(cx.text_of(v))
}

/// The namespaces that eval and exec were given, or those of the caller.
fn namespaces(cx: &mut Ctx, function: &str, globals: Value, locals: Value) -> R<(Gc<Dict>, Value)> {
    if globals.is_none() {
        let Some(current) = cx.current_globals() else {
            return Err(
                cx.type_error(format!("{function} must be given globals and locals when called without a frame"))
            );
        };
        let locals = if locals.is_none() { self::locals(cx)? } else { locals };
        let locals = if locals == current.value() { Value::UNBOUND } else { locals };
        return Ok((current, checked_locals(cx, function, locals)?));
    }
    let Some(dict) = globals.cast::<Dict>() else {
        let got = cx.type_name(globals);
        let message = match function {
            "exec" => format!("exec() globals must be a dict, not {got}"),
            _ if locals.is_none() => "globals must be a dict".to_string(),
            _ => "globals must be a real dict; try eval(code, {}, mapping)".to_string(),
        };
        return Err(cx.type_error(message));
    };
    let locals = if locals.is_none() || locals == globals { Value::UNBOUND } else { locals };
    let locals = checked_locals(cx, function, locals)?;
    let name = cx.names().__builtins__;
    if dict.get_str(cx, name).is_none() {
        let builtins = cx.iso().roots.builtins.get();
        if builtins.is_object() {
            dict.set_str(cx, name, builtins);
        }
    }
    Ok((dict, locals))
}

fn checked_locals(cx: &mut Ctx, function: &str, locals: Value) -> R {
    let getitem = cx.names().__getitem__;
    if locals.is_unbound() || locals.is_a::<Dict>() || cx.lookup_special(locals, getitem).is_some() {
        return Ok(locals);
    }
    let got = cx.type_name(locals);
    Err(cx.type_error(match function {
        "exec" => format!("locals must be a mapping or None, not {got}"),
        _ => "locals must be a mapping".to_string(),
    }))
}

pub fn eval(cx: &mut Ctx, source: Value, globals: Value, locals: Value) -> R {
    let (globals, locals) = namespaces(cx, "eval", globals, locals)?;
    let code = if source.is_a::<Code>() {
        source
    } else {
        let source = source_text(cx, source, "eval", "code")?;
        let source = without_leading_space(cx, source)?;
        compile_for(cx, source, "eval", locals)?
    };
    (cx.iso().machine.exec)(cx, code, globals, locals)
}

/// Compiles for running with these locals: with separate ones, names go through their mapping.
fn compile_for(cx: &mut Ctx, source: Value, mode: &str, locals: Value) -> R {
    use conc_interpreter::vm::compile::compile_flag::NAMESPACE;
    let source = decoded(cx, source, "<string>")?;
    let how = if locals.is_unbound() { 0 } else { NAMESPACE };
    (cx.iso().machine.compile)(cx, source, "<string>", mode, how)
}

/// Source bytes as text, by their own coding line.
fn decoded(cx: &mut Ctx, source: Value, file: &str) -> R {
    match source.cast::<Bytes>() {
        Some(bytes) => {
            let text = conc_interpreter::vm::source_text(cx, bytes.as_bytes(), file)?;
            Ok(cx.str(&text))
        }
        None => Ok(source),
    }
}

/// eval allows blanks before the expression.
fn without_leading_space(cx: &mut Ctx, source: Value) -> R {
    let blank = |bytes: &[u8]| bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    if let Some(s) = source.cast::<Str>() {
        let skip = blank(s.as_bytes());
        return if skip == 0 { Ok(source) } else { Ok(cx.sub_bytes(s, skip, s.as_bytes().len()).value()) };
    }
    if let Some(b) = source.cast::<Bytes>() {
        let skip = blank(b.as_bytes());
        return if skip == 0 { Ok(source) } else { cx.bytes(&b.as_bytes()[skip..]) };
    }
    Ok(source)
}

pub fn exec(cx: &mut Ctx, source: Value, globals: Value, locals: Value, closure: Value) -> R<()> {
    let (globals, locals) = namespaces(cx, "exec", globals, locals)?;
    let code = if source.is_a::<Code>() {
        source
    } else {
        if !closure.is_none() {
            return Err(cx.type_error("closure can only be used when source is a code object"));
        }
        let source = source_text(cx, source, "exec", "code")?;
        compile_for(cx, source, "exec", locals)?
    };
    (cx.iso().machine.exec)(cx, code, globals, locals).map(drop)
}
