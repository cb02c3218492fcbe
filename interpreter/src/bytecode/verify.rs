//! The verifier: what the machine takes for granted about a template, checked.

use super::op::{Form, Op};
use super::template::{CodeTemplate, flags};
use super::word::Word;

/// One decoded instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Its word index.
    pub at: u32,
    pub op: Op,
    pub aux: u8,
    pub a: u16,
    pub b: u16,
    pub c: u16,
}

impl Instruction {
    pub fn decode(at: u32, word: u64) -> Option<Instruction> {
        let op = Op::from_byte(word as u8)?;
        let word = Word(word);
        Some(Instruction { at, op, aux: word.aux(), a: word.a(), b: word.b(), c: word.c() })
    }
    pub fn bx(&self) -> u32 {
        u32::from(self.b) | u32::from(self.c) << 16
    }
    /// The word index that it may jump to.
    pub fn target(&self) -> Option<i64> {
        let offset = match self.op.form() {
            Form::Jump | Form::AJump => i64::from(self.bx() as i32),
            Form::ABJump | Form::AImmJump => i64::from(self.c as i16),
            _ => return None,
        };
        Some(i64::from(self.at) + offset)
    }
    pub fn words(&self) -> u32 {
        1 + self.op.cache_words() as u32
    }
}

/// The instructions of a template, up to the first word that is none.
pub fn instructions(code: &[u64]) -> impl Iterator<Item = Instruction> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let instruction = Instruction::decode(at, *code.get(at as usize)?)?;
        at += instruction.words();
        Some(instruction)
    })
}

/// Checks one template; its children were checked when they were made.
pub fn verify(template: &CodeTemplate) -> Result<(), String> {
    let list: Vec<Instruction> = instructions(&template.code).collect();
    let end = list.last().map_or(0, |i| i.at + i.words());
    if end as usize != template.code.len() {
        return Err(format!("no instruction at word {end}"));
    }
    for instruction in &list {
        let problem = |what: String| format!("word {} ({}): {what}", instruction.at, instruction.op.name());
        check_operands(template, instruction).map_err(problem)?;
        if let Some(target) = instruction.target()
            && !is_instruction(&list, target)
        {
            return Err(problem(format!("jump to word {target}")));
        }
    }
    check_handlers(template, &list)?;
    check_frame(template)?;
    check_flow(template, &list)
}

fn is_instruction(list: &[Instruction], at: i64) -> bool {
    u32::try_from(at).is_ok_and(|at| list.binary_search_by_key(&at, |i| i.at).is_ok())
}

fn check_frame(template: &CodeTemplate) -> Result<(), String> {
    if template.nparams() > template.nlocals || template.nlocals > template.nregs {
        return Err(format!(
            "{} parameters, {} locals, {} registers",
            template.nparams(),
            template.nlocals,
            template.nregs
        ));
    }
    match template.locals.iter().find(|local| local.register >= template.nlocals) {
        Some(local) => Err(format!("local {} in register {}", local.name, local.register)),
        None => Ok(()),
    }
}

fn check_operands(template: &CodeTemplate, i: &Instruction) -> Result<(), String> {
    let register = |reg: u16, span: u32| {
        let fits = u32::from(reg) + span <= u32::from(template.nregs);
        if fits { Ok(()) } else { Err(format!("register {reg} (and {span}) of {}", template.nregs)) }
    };
    let index = |what: &str, at: u32, len: usize| {
        if (at as usize) < len { Ok(()) } else { Err(format!("{what} {at} of {len}")) }
    };
    let none = |reg: u16| reg == 0xffff;
    let names = template.names.len();
    use Op::*;
    match i.op {
        NewCell => {
            register(i.a, 1)?;
            return if none(i.b) { Ok(()) } else { register(i.b, 1) };
        }
        GetFree | GetNameFree => {
            index("free variable", u32::from(i.b), template.free.len())?;
            index("name", u32::from(i.c), names)?;
            return register(i.a, 1);
        }
        SetFree | LoadFree => {
            index("free variable", u32::from(i.b), template.free.len())?;
            return register(i.a, 1);
        }
        DelGlobal | DelName => return index("name", i.bx(), names),
        Annotations => return register(i.a, 1),
        GetIter => {
            register(i.a, 4)?;
            return register(i.b, 1);
        }
        ForNext => {
            register(i.a, 4)?;
            return register(i.b, 1);
        }
        Unpack => {
            register(i.a, u32::from(i.c))?;
            return register(i.b, 1);
        }
        UnpackEx => {
            register(i.a, u32::from(i.c) + 1 + u32::from(i.aux))?;
            return register(i.b, 1);
        }
        Format => {
            register(i.a, 1)?;
            register(i.b, 1)?;
            return if none(i.c) { Ok(()) } else { register(i.c, 1) };
        }
        Call | CallKw | CallMethod | CallEx => {
            let method = i.op == CallMethod || i.op == CallKw && i.aux == 1;
            if i.op == CallKw {
                index("constant", u32::from(i.c), template.consts.len())?;
            }
            let args = if i.op == CallEx { 2 } else { u32::from(i.b) };
            let span = if method {
                5 + args
            } else if args == 0 {
                1
            } else {
                4 + args
            };
            return register(i.a, span);
        }
        LoadMethod => {
            index("name", u32::from(i.c), names)?;
            register(i.b, 1)?;
            return register(i.a, 5);
        }
        LoadSpecialMethod => {
            register(i.b, 1)?;
            return register(i.a, 5);
        }
        DictUpdate => {
            register(i.a, 1)?;
            return register(i.b, 1);
        }
        Function => {
            index("child", u32::from(i.b), template.children.len())?;
            register(i.a, 1)?;
            return register(i.c, i.aux.count_ones());
        }
        SplitGroup => {
            register(i.a, 2)?;
            register(i.b, 1)?;
            return register(i.c, 1);
        }
        Yield => {
            register(i.a, 1)?;
            register(i.b, 1)?;
            return if i.aux == 1 { register(i.c, 1) } else { Ok(()) };
        }
        SetAttr => {}
        DelAttr => {
            index("name", u32::from(i.c), names)?;
            return register(i.a, 1);
        }
        _ => {}
    }
    match i.op.form() {
        Form::None | Form::Jump => Ok(()),
        Form::A | Form::ASbx | Form::AJump | Form::AImmJump => register(i.a, 1),
        Form::AB | Form::ABImm | Form::ABJump => register(i.a, 1).and(register(i.b, 1)),
        Form::ABC => register(i.a, 1).and(register(i.b, 1)).and(register(i.c, 1)),
        Form::AConst => register(i.a, 1).and(index("constant", i.bx(), template.consts.len())),
        Form::AName => register(i.a, 1).and(index("name", i.bx(), names)),
        Form::ABName => register(i.a, 1).and(register(i.b, 1)).and(index("name", u32::from(i.c), names)),
        Form::Call => register(i.a, 1),
        Form::Range => register(i.a, 1).and(register(i.b, u32::from(i.c))),
    }
}

fn check_handlers(template: &CodeTemplate, list: &[Instruction]) -> Result<(), String> {
    for handler in &template.handlers {
        let end_fits = is_instruction(list, i64::from(handler.end)) || handler.end as usize == template.code.len();
        let fits = handler.start < handler.end
            && is_instruction(list, i64::from(handler.start))
            && is_instruction(list, i64::from(handler.target))
            && handler.exc < template.nregs;
        if !fits || !end_fits {
            return Err(format!("bad handler {handler:?}"));
        }
    }
    Ok(())
}

/// Every path that can be taken ends in a return, a raise or a loop, and generators begin with `MakeGenerator`.
fn check_flow(template: &CodeTemplate, list: &[Instruction]) -> Result<(), String> {
    let generator = template.flags & flags::GENERATOR_LIKE != 0;
    if generator != (list.first().map(|i| i.op) == Some(Op::MakeGenerator)) {
        return Err("generator flags and first instruction disagree".into());
    }
    let mut reached = vec![false; list.len()];
    let index_of = |at: i64| list.binary_search_by_key(&(at.max(0) as u32), |i| i.at).ok();
    let mut work: Vec<usize> = template.handlers.iter().filter_map(|h| index_of(i64::from(h.target))).collect();
    work.push(0);
    while let Some(at) = work.pop() {
        let Some(instruction) = list.get(at) else { return Err("a path runs off the end".into()) };
        if std::mem::replace(&mut reached[at], true) {
            continue;
        }
        let wrong_return = match instruction.op {
            Op::Return | Op::ReturnNone => generator,
            Op::ReturnGen => !generator,
            _ => false,
        };
        if wrong_return {
            return Err(format!("{} at word {}", instruction.op.name(), instruction.at));
        }
        work.extend(instruction.target().and_then(index_of));
        if !instruction.op.ends_path() {
            work.push(at + 1);
        }
    }
    Ok(())
}
