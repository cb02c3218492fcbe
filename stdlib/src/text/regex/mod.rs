//! _re: what the module re is made of.

pub mod matcher;
pub mod parse;
pub mod program;
pub mod subject;
pub mod tree;

use conc_interpreter::object::misc::Payload;
use conc_macros::module;

impl Payload for program::Program {}

/// Compiled patterns and searches for them.
#[module(name = "_re")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    use super::matcher::How;
    use super::parse::{self, Fault};
    use super::program::compile as compile_tree;
    use super::subject::{self, Subject};

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        crate::data::boxes::native_class(cx, module, "Program", &[]);
        Ok(())
    }

    /// (program, flags, groups, names), or (message, position) of what is wrong with the pattern.
    pub fn compile(cx: &mut Ctx, pattern: Value, flags: i64) -> R {
        let (text, bytes) = match pattern.cast::<Str>() {
            Some(s) => (subject::code_points(s.as_bytes()), false),
            None => (cx.byte_vec(pattern)?.into_iter().map(u32::from).collect(), true),
        };
        let parsed = match parse::parse(&text, flags as u32, bytes) {
            Ok(parsed) => parsed,
            Err(Fault::Pattern(message, at)) => {
                let message = cx.str(&message);
                let at = at.map_or(Value::NONE, |at| Value::small_int(at as i64));
                return cx.tuple(&[message, at]);
            }
            Err(Fault::Value(message)) => return Err(cx.value_error(message)),
            Err(Fault::Overflow(message)) => return Err(cx.overflow_error(message)),
            Err(Fault::Recursion | Fault::Verbose) => {
                return Err(cx.error(ClassId::RecursionError, "maximum recursion depth exceeded"));
            }
        };
        let names = cx.new_dict();
        for (name, group) in &parsed.names {
            let name = cx.intern(name);
            names.set_str(cx, name, Value::small_int(*group as i64));
        }
        let program = compile_tree(&parsed.tree, parsed.groups, bytes);
        let module = crate::core::shared::import(cx, "_re")?;
        let class = cx.get_attr_text(module, "Program")?;
        let Some(class) = class.cast::<Class>() else { return Ok(Value::NONE) };
        let program = cx.new_boxed(class, Some(Box::new(program)), 0).value();
        let (flags, groups) = (Value::small_int(parsed.flags.into()), Value::small_int(parsed.groups as i64));
        cx.tuple(&[program, flags, groups, names.value()])
    }

    /// Whether a text may name a group.
    pub fn is_name(cx: &mut Ctx, name: Value, bytes: bool) -> bool {
        parse::is_name(&cx.text_of(name), bytes)
    }

    /// One match as (last group, start, end, start of group 1, ...), or None. how: 0 match, 1 fullmatch, 2 search.
    pub fn run(cx: &mut Ctx, program: Gc<Boxed>, string: Value, pos: i64, endpos: i64, how: i64) -> R {
        let how = match how {
            0 => How::Match,
            1 => How::Full,
            _ => How::Search,
        };
        let mut found = Value::NONE;
        subject::each(cx, program, string, pos, endpos, how, false, |cx, m, places| {
            found = subject::spans(cx, m, places)?;
            Ok(false)
        })?;
        Ok(found)
    }

    /// Up to `limit` matches from `pos` on, each as `run` tells them.
    pub fn scan(
        cx: &mut Ctx,
        program: Gc<Boxed>,
        string: Value,
        pos: i64,
        endpos: i64,
        limit: i64,
        advance: bool,
    ) -> R {
        let list = cx.new_list();
        let mut left = limit;
        if left == 0 {
            return Ok(list.value());
        }
        subject::each(cx, program, string, pos, endpos, How::Search, advance, |cx, m, places| {
            let found = subject::spans(cx, m, places)?;
            cx.list_push(list, found)?;
            left -= 1;
            Ok(left != 0)
        })?;
        Ok(list.value())
    }

    /// The texts of all matches: of the whole pattern, of its group or a tuple of its groups.
    pub fn findall(cx: &mut Ctx, program: Gc<Boxed>, string: Value, pos: i64, endpos: i64) -> R {
        let list = cx.new_list();
        let groups = subject::program(cx, program)?.groups;
        let subject = Subject::of(cx, program, string)?;
        subject::each(cx, program, string, pos, endpos, How::Search, false, |cx, m, _| {
            let item = if groups <= 1 {
                subject.group(cx, m, groups)?
            } else {
                let row = cx.new_list();
                for group in 1..=groups {
                    let text = subject.group(cx, m, group)?;
                    cx.list_push(row, text)?;
                }
                cx.list_to_tuple(row)?
            };
            cx.list_push(list, item)?;
            Ok(true)
        })?;
        Ok(list.value())
    }

    /// Puts a template in place of up to `count` matches (0: all): its items are texts and group numbers. Makes
    /// (text, number of matches).
    pub fn substitute(cx: &mut Ctx, program: Gc<Boxed>, template: Gc<Tuple>, string: Value, count: i64) -> R {
        let subject = Subject::of(cx, program, string)?;
        let mut out = Vec::new();
        let (mut done, mut copied) = (0i64, 0usize);
        subject::each(cx, program, string, 0, i64::MAX, How::Search, false, |cx, m, _| {
            let (from, to) = m.span(0).unwrap_or((0, 0));
            out.extend_from_slice(&subject.data()[copied..from]);
            copied = to;
            for item in template.items() {
                match item.as_int() {
                    Some(group) => {
                        if let Some((from, to)) = m.span(group as usize) {
                            out.extend_from_slice(&subject.data()[from..to]);
                        }
                    }
                    None => match item.cast::<Str>() {
                        Some(s) => out.extend_from_slice(s.as_bytes()),
                        None => out.extend(cx.byte_vec(*item)?),
                    },
                }
            }
            done += 1;
            Ok(done != count)
        })?;
        let text = if done == 0 && subject.is_plain() {
            string
        } else {
            out.extend_from_slice(&subject.data()[copied..]);
            match subject {
                Subject::Text(_) => cx.try_wtf8(&out)?.value(),
                Subject::Data(_) => cx.bytes(&out)?,
            }
        };
        let done = Value::small_int(done);
        cx.tuple(&[text, done])
    }
}
