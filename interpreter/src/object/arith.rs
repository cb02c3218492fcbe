//! Arithmetic: the binary and unary operators of all builtin types, and the dispatch to special methods.

use dashu_base::{Abs, BitTest, DivRem, Sign, Signed, UnsignedAbs};
use dashu_int::IBig;

use crate::native::{Ctx, R};
use crate::object::kind::{ClassId, Kind};
use crate::object::number::{BigInt, Complex};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// A binary operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    MatMul,
    LShift,
    RShift,
    And,
    Or,
    Xor,
}

impl BinaryOp {
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "** or pow()",
            BinaryOp::MatMul => "@",
            BinaryOp::LShift => "<<",
            BinaryOp::RShift => ">>",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
        }
    }
    /// The special methods: plain, reflected, in-place.
    pub fn dunders(self, cx: &Ctx) -> (Gc<Str>, Gc<Str>, Gc<Str>) {
        let n = cx.names();
        match self {
            BinaryOp::Add => (n.__add__, n.__radd__, n.__iadd__),
            BinaryOp::Sub => (n.__sub__, n.__rsub__, n.__isub__),
            BinaryOp::Mul => (n.__mul__, n.__rmul__, n.__imul__),
            BinaryOp::Div => (n.__truediv__, n.__rtruediv__, n.__itruediv__),
            BinaryOp::FloorDiv => (n.__floordiv__, n.__rfloordiv__, n.__ifloordiv__),
            BinaryOp::Mod => (n.__mod__, n.__rmod__, n.__imod__),
            BinaryOp::Pow => (n.__pow__, n.__rpow__, n.__ipow__),
            BinaryOp::MatMul => (n.__matmul__, n.__rmatmul__, n.__imatmul__),
            BinaryOp::LShift => (n.__lshift__, n.__rlshift__, n.__ilshift__),
            BinaryOp::RShift => (n.__rshift__, n.__rrshift__, n.__irshift__),
            BinaryOp::And => (n.__and__, n.__rand__, n.__iand__),
            BinaryOp::Or => (n.__or__, n.__ror__, n.__ior__),
            BinaryOp::Xor => (n.__xor__, n.__rxor__, n.__ixor__),
        }
    }
}

/// A special method of one operand to be called with the other.
#[derive(Clone, Copy)]
pub struct Attempt {
    pub function: Value,
    pub this: Value,
    pub other: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Neg,
    Pos,
    Invert,
}

/// A number taken apart.
enum Num {
    Int(i64),
    Big(IBig),
    Float(f64),
    Complex(f64, f64),
}

impl Ctx {
    fn num(&self, v: Value) -> Option<Num> {
        if v.is_int() {
            return Some(Num::Int(v.int()));
        }
        if v.is_float() {
            return Some(Num::Float(v.float()));
        }
        if let Some(b) = v.as_bool() {
            return Some(Num::Int(b as i64));
        }
        match Kind::of(v.kind_byte()) {
            Kind::BigInt => {
                let n = v.cast::<BigInt>()?.to_big();
                Some(match i64::try_from(&n) {
                    Ok(n) if n.unsigned_abs() < 1 << 62 => Num::Int(n),
                    _ => Num::Big(n),
                })
            }
            Kind::Float => self.as_float(v).map(Num::Float),
            Kind::Complex => v.cast::<Complex>().map(|c| Num::Complex(c.re, c.im)),
            _ => None,
        }
    }

    /// `a op b`
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> R {
        let builtin = |v: Value| v.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32);
        if builtin(a) && builtin(b) {
            let result = self.native_binary(op, a, b)?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
        }
        let result = match self.binary_dispatch(op, a, b) {
            Err(e) if op == BinaryOp::Mul => return Err(self.repeat_error(e, a, b)),
            other => other?,
        };
        if result != Value::NOT_IMPLEMENTED {
            return Ok(result);
        }
        Err(self.unsupported(op, a, b, false))
    }

    /// `a op= b`
    pub fn binary_in_place(&mut self, op: BinaryOp, a: Value, b: Value) -> R {
        if self.num(a).is_some() && a.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32) {
            return match self.binary(op, a, b) {
                Err(e) if self.is_operand_error(e) => Err(self.unsupported(op, a, b, true)),
                other => other,
            };
        }
        let (_, _, in_place) = op.dunders(self);
        if let Some(f) = self.lookup_special(a, in_place) {
            let result = self.call_unbound(f, a, &[b])?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
        }
        match self.binary(op, a, b) {
            Err(e) if self.is_operand_error(e) => Err(self.unsupported(op, a, b, true)),
            other => other,
        }
    }

    /// `*` words a sequence's refusal of a count differently from `__mul__`.
    pub fn repeat_error(&mut self, e: crate::native::Raised, a: Value, b: Value) -> crate::native::Raised {
        let sequence = |v: Value| {
            matches!(Kind::of(v.kind_byte()), Kind::Str | Kind::List | Kind::Tuple | Kind::Bytes | Kind::ByteArray)
        };
        let count = if sequence(a) { b } else { a };
        if !(sequence(a) || sequence(b)) || !self.is_error(e, ClassId::TypeError) {
            return e;
        }
        let text = self.exception_text(e.0);
        let refused = |cx: &Ctx, v| text == format!("'{}' object cannot be interpreted as an integer", cx.type_name(v));
        // Of two sequences the left one is the sequence.
        let both = sequence(a) && sequence(b) && text.starts_with("can't multiply sequence by non-int");
        if !both && !refused(self, a) && !refused(self, b) {
            return e;
        }
        let got = self.type_name(count);
        self.type_error(format!("can't multiply sequence by non-int of type '{got}'"))
    }

    /// Whether an error is the "unsupported operand" one made here (to name the in-place operator instead).
    fn is_operand_error(&mut self, e: crate::native::Raised) -> bool {
        self.is_error(e, ClassId::TypeError) && self.exception_text(e.0).starts_with("unsupported operand type(s)")
    }

    #[cold]
    pub fn unsupported(&mut self, op: BinaryOp, a: Value, b: Value, in_place: bool) -> crate::native::Raised {
        let (x, y) = (self.type_name(a), self.type_name(b));
        let symbol = match (op, in_place) {
            (BinaryOp::Pow, true) => "**=".to_string(),
            (op, true) => format!("{}=", op.symbol()),
            (op, false) => op.symbol().to_string(),
        };
        let mut message = format!("unsupported operand type(s) for {symbol}: '{x}' and '{y}'");
        if op == BinaryOp::RShift && x == "builtin_function_or_method" && self.is_print(a) {
            message.push_str(". Did you mean \"print(<message>, file=<output_stream>)\"?");
        }
        self.type_error(message)
    }

    fn is_print(&self, v: Value) -> bool {
        v.cast::<crate::object::function::Native>().is_some_and(|n| n.def().name == "print")
    }

    /// The special methods that `a op b` (or `a op= b`) tries, in their order: a subclass's reflected one goes first.
    pub fn operator_methods(&mut self, op: BinaryOp, in_place: bool, a: Value, b: Value) -> [Option<Attempt>; 3] {
        let (name, reflected, in_place_name) = op.dunders(self);
        let (ca, cb) = (self.class_of(a), self.class_of(b));
        let first = if in_place { self.lookup(ca, in_place_name) } else { None };
        let fa = self.lookup(ca, name);
        let fb = if ca != cb { self.lookup(cb, reflected) } else { None };
        let sequence_last = ca.is_static()
            && ca.instance_kind() != Kind::Instance
            && matches!(op, BinaryOp::Add | BinaryOp::Mul)
            && !is_number_class(ca.id);
        let prefer_b = fb.is_some() && (sequence_last || (cb.is_subclass_of(ca) && fb != self.lookup(ca, reflected)));
        let attempt = |f: Option<Value>, this, other| f.map(|function| Attempt { function, this, other });
        let (first, own, other) = (attempt(first, a, b), attempt(fa, a, b), attempt(fb, b, a));
        if prefer_b { [first, other, own] } else { [first, own, other] }
    }

    /// The first answer of some special methods; NotImplemented if none has one.
    pub fn first_answer(&mut self, methods: impl IntoIterator<Item = Option<Attempt>>) -> R {
        for m in methods.into_iter().flatten() {
            let result = self.call_unbound(m.function, m.this, &[m.other])?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
        }
        Ok(Value::NOT_IMPLEMENTED)
    }

    /// `a op b` by special methods alone.
    pub fn binary_dispatch(&mut self, op: BinaryOp, a: Value, b: Value) -> R {
        let methods = self.operator_methods(op, false, a, b);
        self.first_answer(methods)
    }

    /// What the native structs of both operands say; NotImplemented if they do not go together.
    pub fn native_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> R {
        if let (Some(x), Some(y)) = (self.num(a), self.num(b)) {
            return self.numeric(op, x, y, a, b);
        }
        self.sequence_binary(op, a, b)
    }

    fn numeric(&mut self, op: BinaryOp, x: Num, y: Num, a: Value, b: Value) -> R {
        use BinaryOp::*;
        if a.is_bool() && b.is_bool() {
            let (p, q) = (a == Value::TRUE, b == Value::TRUE);
            match op {
                And => return Ok(Value::bool(p & q)),
                Or => return Ok(Value::bool(p | q)),
                Xor => return Ok(Value::bool(p ^ q)),
                _ => {}
            }
        }
        match (x, y) {
            (Num::Int(x), Num::Int(y)) => self.int_op(op, x, y),
            (Num::Complex(re, im), y) => {
                let other = self.complex_parts(y)?;
                self.complex_op(op, (re, im), other)
            }
            (x, Num::Complex(re, im)) => {
                let own = self.complex_parts(x)?;
                self.complex_op(op, own, (re, im))
            }
            (Num::Float(x), Num::Float(y)) => self.float_op(op, x, y),
            (Num::Float(x), Num::Int(y)) => self.float_op(op, x, y as f64),
            (Num::Int(x), Num::Float(y)) => self.float_op(op, x as f64, y),
            (Num::Float(x), Num::Big(y)) => {
                let y = self.int_to_float(&y)?;
                self.float_op(op, x, y)
            }
            (Num::Big(x), Num::Float(y)) => {
                let x = self.int_to_float(&x)?;
                self.float_op(op, x, y)
            }
            (Num::Big(x), Num::Int(y)) => self.big_op(op, x, IBig::from(y)),
            (Num::Int(x), Num::Big(y)) => self.big_op(op, IBig::from(x), y),
            (Num::Big(x), Num::Big(y)) => self.big_op(op, x, y),
        }
    }

    fn complex_parts(&mut self, n: Num) -> R<(f64, f64)> {
        Ok(match n {
            Num::Int(n) => (n as f64, 0.0),
            Num::Big(n) => (self.int_to_float(&n)?, 0.0),
            Num::Float(x) => (x, 0.0),
            Num::Complex(re, im) => (re, im),
        })
    }

    fn int_op(&mut self, op: BinaryOp, x: i64, y: i64) -> R {
        use BinaryOp::*;
        let small = match op {
            Add => x.checked_add(y),
            Sub => x.checked_sub(y),
            Mul => x.checked_mul(y),
            And => Some(x & y),
            Or => Some(x | y),
            Xor => Some(x ^ y),
            FloorDiv | Mod if y == 0 => {
                return Err(self.zero_division(if op == Mod {
                    "integer modulo by zero"
                } else {
                    "integer division or modulo by zero"
                }));
            }
            FloorDiv => Some(floor_div(x, y)),
            Mod => Some(floor_mod(x, y)),
            Div => return self.int_true_div(x, y),
            LShift if (0..62).contains(&y) && x.unsigned_abs().leading_zeros() as i64 > y + 1 => Some(x << y),
            RShift if y >= 0 => Some(x >> y.min(63)),
            MatMul => return Ok(Value::NOT_IMPLEMENTED),
            _ => None,
        };
        match small {
            Some(n) => Ok(self.int(n)),
            None => self.big_op(op, IBig::from(x), IBig::from(y)),
        }
    }

    fn int_true_div(&mut self, x: i64, y: i64) -> R {
        if y == 0 {
            return Err(self.zero_division("division by zero"));
        }
        if x.unsigned_abs() <= 1 << 53 && y.unsigned_abs() <= 1 << 53 {
            return Ok(self.float(x as f64 / y as f64));
        }
        self.big_true_div(IBig::from(x), IBig::from(y))
    }

    /// The correctly rounded quotient of two ints.
    fn big_true_div(&mut self, x: IBig, y: IBig) -> R {
        if y == IBig::ZERO {
            return Err(self.zero_division("division by zero"));
        }
        match divide_to_f64(&x, &y) {
            Some(q) => Ok(self.float(q)),
            None => Err(self.overflow_error("integer division result too large for a float")),
        }
    }

    fn big_op(&mut self, op: BinaryOp, x: IBig, y: IBig) -> R {
        use BinaryOp::*;
        let result = match op {
            Add => x + y,
            Sub => x - y,
            Mul => {
                self.poll()?;
                self.ensure_memory((x.as_sign_words().1.len() + y.as_sign_words().1.len()) * 8, 2)?;
                x * y
            }
            And => x & y,
            Or => x | y,
            Xor => x ^ y,
            FloorDiv | Mod => {
                if y == IBig::ZERO {
                    return Err(self.zero_division(if op == Mod {
                        "integer modulo by zero"
                    } else {
                        "integer division or modulo by zero"
                    }));
                }
                let (q, r) = big_divmod(x, &y);
                if op == FloorDiv { q } else { r }
            }
            Div => return self.big_true_div(x, y),
            Pow => return self.big_pow(x, y),
            LShift => return self.big_shift(x, y, true),
            RShift => return self.big_shift(x, y, false),
            MatMul => return Ok(Value::NOT_IMPLEMENTED),
        };
        Ok(self.big(&result))
    }

    fn big_shift(&mut self, x: IBig, y: IBig, left: bool) -> R {
        if y.sign() == Sign::Negative {
            return Err(self.value_error("negative shift count"));
        }
        let result = match usize::try_from(&y) {
            Ok(n) if left => {
                if x == IBig::ZERO {
                    return Ok(Value::small_int(0));
                }
                self.ensure_memory(n / 8 + x.as_sign_words().1.len() * 8, 2)?;
                self.iso().heap.charge(n / 8);
                x << n
            }
            Ok(n) => floor_shift_right(x, n),
            Err(_) if left && x != IBig::ZERO => return Err(self.overflow_error("too many digits in integer")),
            Err(_) if !left && x.sign() == Sign::Negative => IBig::from(-1),
            Err(_) => IBig::ZERO,
        };
        Ok(self.big(&result))
    }

    /// `x ** y` for ints: squaring, polling for interrupts between the steps.
    fn big_pow(&mut self, x: IBig, y: IBig) -> R {
        if y.sign() == Sign::Negative {
            let (x, y) = (self.int_to_float(&x)?, self.int_to_float(&y)?);
            return self.float_op(BinaryOp::Pow, x, y);
        }
        let one = IBig::ONE;
        if x == one || y == IBig::ZERO {
            return Ok(Value::small_int(1));
        }
        if x == IBig::ZERO {
            return Ok(Value::small_int(0));
        }
        if x == -one.clone() {
            let odd = (&y & IBig::ONE) == IBig::ONE;
            return Ok(Value::small_int(if odd { -1 } else { 1 }));
        }
        let Ok(mut e) = u64::try_from(&y) else { return Err(self.memory_error()) };
        let bits = x.clone().unsigned_abs().bit_len() as u128 * e as u128;
        self.ensure_memory(usize::try_from(bits / 8).unwrap_or(usize::MAX), 3)?;
        let (mut base, mut result) = (x, one);
        loop {
            if e & 1 == 1 {
                result *= &base;
            }
            e >>= 1;
            if e == 0 {
                return Ok(self.big(&result));
            }
            self.poll()?;
            base = &base * &base;
        }
    }

    fn float_op(&mut self, op: BinaryOp, x: f64, y: f64) -> R {
        use BinaryOp::*;
        let result = match op {
            Add => x + y,
            Sub => x - y,
            Mul => x * y,
            Div if y == 0.0 => return Err(self.zero_division("float division by zero")),
            Div => x / y,
            FloorDiv if y == 0.0 => return Err(self.zero_division("float floor division by zero")),
            FloorDiv => float_divmod(x, y).0,
            Mod if y == 0.0 => return Err(self.zero_division("float modulo by zero")),
            Mod => float_divmod(x, y).1,
            Pow => return self.float_pow(x, y),
            _ => return Ok(Value::NOT_IMPLEMENTED),
        };
        Ok(self.float(result))
    }

    fn float_pow(&mut self, x: f64, y: f64) -> R {
        if x == 0.0 && y < 0.0 {
            return Err(self.zero_division("0.0 cannot be raised to a negative power"));
        }
        if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
            return self.complex_op(BinaryOp::Pow, (x, 0.0), (y, 0.0));
        }
        let result = x.powf(y);
        if result.is_infinite() && x.is_finite() && y.is_finite() {
            return Err(self.error_with_errno(ClassId::OverflowError, 34, "Numerical result out of range"));
        }
        Ok(self.float(result))
    }

    fn error_with_errno(&mut self, class: ClassId, errno: i64, text: &str) -> crate::native::Raised {
        let (errno, text) = (self.int(errno), self.str(text));
        self.error_with(class, &[errno, text])
    }

    fn complex_op(&mut self, op: BinaryOp, x: (f64, f64), y: (f64, f64)) -> R {
        use BinaryOp::*;
        let (re, im) = match op {
            Add => (x.0 + y.0, x.1 + y.1),
            Sub => (x.0 - y.0, x.1 - y.1),
            Mul => (x.0 * y.0 - x.1 * y.1, x.0 * y.1 + x.1 * y.0),
            Div if y == (0.0, 0.0) => return Err(self.zero_division("complex division by zero")),
            Div => complex_div(x, y),
            Pow => return self.complex_pow(x, y),
            FloorDiv | Mod => return Ok(Value::NOT_IMPLEMENTED),
            _ => return Ok(Value::NOT_IMPLEMENTED),
        };
        Ok(self.complex(re, im))
    }

    fn complex_pow(&mut self, x: (f64, f64), y: (f64, f64)) -> R {
        // Small integral exponents by multiplication, as exact as can be.
        if y.1 == 0.0 && y.0 == y.0.floor() && y.0.abs() <= 100.0 {
            let result = complex_power(x, y.0.abs() as u32);
            if y.0 > 0.0 {
                return self.complex_power_result(result);
            }
            if result == (0.0, 0.0) {
                return Err(self.zero_division("0.0 to a negative or complex power"));
            }
            return self.complex_power_result(complex_div((1.0, 0.0), result));
        }
        if x == (0.0, 0.0) && (y.1 != 0.0 || y.0 < 0.0) {
            return Err(self.zero_division("0.0 to a negative or complex power"));
        }
        if x == (0.0, 0.0) {
            return Ok(self.complex(0.0, 0.0));
        }
        let (abs, angle) = (x.0.hypot(x.1), x.1.atan2(x.0));
        let mut len = abs.powf(y.0);
        let mut at = angle * y.0;
        if y.1 != 0.0 {
            len /= (angle * y.1).exp();
            at += y.1 * abs.ln();
        }
        // CPython learns from C's errno that an infinite angle has no cosine.
        if at.is_infinite() {
            return Err(self.zero_division("0.0 to a negative or complex power"));
        }
        self.complex_power_result((len * at.cos(), len * at.sin()))
    }

    fn complex_power_result(&mut self, (re, im): (f64, f64)) -> R {
        if re.is_infinite() || im.is_infinite() {
            return Err(self.overflow_error("complex exponentiation"));
        }
        Ok(self.complex(re, im))
    }

    /// `-v`, `+v`, `~v`
    pub fn unary(&mut self, op: UnaryOp, v: Value) -> R {
        let builtin = v.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32);
        if builtin && let Some(n) = self.num(v) {
            return self.unary_number(op, n, v);
        }
        let n = self.names();
        let (name, symbol) = match op {
            UnaryOp::Neg => (n.__neg__, "-"),
            UnaryOp::Pos => (n.__pos__, "+"),
            UnaryOp::Invert => (n.__invert__, "~"),
        };
        match self.call_special(v, name, &[])? {
            Some(result) => Ok(result),
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("bad operand type for unary {symbol}: '{got}'")))
            }
        }
    }

    /// The operator on a number's native value, whatever its class.
    pub fn native_unary(&mut self, op: UnaryOp, v: Value) -> R {
        match self.num(v) {
            Some(n) => self.unary_number(op, n, v),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    fn unary_number(&mut self, op: UnaryOp, n: Num, v: Value) -> R {
        match (op, n) {
            (UnaryOp::Neg, Num::Int(n)) => Ok(self.int(-n)),
            (UnaryOp::Pos, Num::Int(n)) => Ok(self.int(n)),
            (UnaryOp::Invert, Num::Int(n)) => Ok(self.int(!n)),
            (UnaryOp::Neg, Num::Big(n)) => Ok(self.big(&-n)),
            (UnaryOp::Pos, Num::Big(n)) => Ok(self.big(&n)),
            (UnaryOp::Invert, Num::Big(n)) => Ok(self.big(&!n)),
            (UnaryOp::Neg, Num::Float(x)) => Ok(self.float(-x)),
            (UnaryOp::Pos, Num::Float(x)) => Ok(self.float(x)),
            (UnaryOp::Neg, Num::Complex(re, im)) => Ok(self.complex(-re, -im)),
            (UnaryOp::Pos, Num::Complex(re, im)) => Ok(self.complex(re, im)),
            (UnaryOp::Invert, _) => {
                let got = self.type_name(v);
                Err(self.type_error(format!("bad operand type for unary ~: '{got}'")))
            }
        }
    }

    /// `abs(v)` of a number.
    pub fn native_abs(&mut self, v: Value) -> R {
        match self.num(v) {
            Some(Num::Int(n)) => Ok(self.int(n.abs())),
            Some(Num::Big(n)) => Ok(self.big(&n.abs())),
            Some(Num::Float(x)) => Ok(self.float(x.abs())),
            Some(Num::Complex(re, im)) => {
                let abs = re.hypot(im);
                if abs.is_infinite() && re.is_finite() && im.is_finite() {
                    return Err(self.overflow_error("absolute value too large"));
                }
                Ok(self.float(abs))
            }
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// `divmod` of numbers.
    pub fn native_divmod(&mut self, a: Value, b: Value) -> R {
        let (Some(x), Some(y)) = (self.num(a), self.num(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
        if matches!(x, Num::Complex(..)) || matches!(y, Num::Complex(..)) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        if let (Num::Float(_), _) | (_, Num::Float(_)) = (&x, &y) {
            let (x, y) = (self.to_float(a)?, self.to_float(b)?);
            if y == 0.0 {
                return Err(self.zero_division("float divmod()"));
            }
            let (q, r) = float_divmod(x, y);
            let (q, r) = (self.float(q), self.float(r));
            return self.tuple(&[q, r]);
        }
        let q = self.native_binary(BinaryOp::FloorDiv, a, b)?;
        let r = self.native_binary(BinaryOp::Mod, a, b)?;
        self.tuple(&[q, r])
    }
}

fn is_number_class(id: u32) -> bool {
    [ClassId::Int, ClassId::Bool, ClassId::Float, ClassId::Complex].iter().any(|c| *c as u32 == id)
}

/// Rounds towards negative infinity.
#[inline]
pub fn floor_div(x: i64, y: i64) -> i64 {
    let q = x.wrapping_div(y);
    if (x % y != 0) && ((x < 0) != (y < 0)) { q - 1 } else { q }
}

/// The remainder with the sign of the divisor.
#[inline]
pub fn floor_mod(x: i64, y: i64) -> i64 {
    let r = x.wrapping_rem(y);
    if r != 0 && ((r < 0) != (y < 0)) { r + y } else { r }
}

/// Quotient and remainder of ints, rounding towards negative infinity.
pub fn big_divmod(x: IBig, y: &IBig) -> (IBig, IBig) {
    let (q, r) = x.div_rem(y);
    if r != IBig::ZERO && r.is_negative() != y.is_negative() { (q - IBig::ONE, r + y) } else { (q, r) }
}

/// Arithmetic shift: rounds towards negative infinity.
pub fn floor_shift_right(x: IBig, n: usize) -> IBig {
    if x.is_negative() {
        // !x is non-negative and ~(~x >> n) floors.
        !((!x) >> n)
    } else {
        x >> n
    }
}

/// Floor quotient and modulus of floats, by C's fmod with the sign of the divisor.
pub fn float_divmod(x: f64, y: f64) -> (f64, f64) {
    let mut m = x % y;
    let mut div = (x - m) / y;
    if m != 0.0 {
        if (y < 0.0) != (m < 0.0) {
            m += y;
            div -= 1.0;
        }
    } else {
        m = 0f64.copysign(y);
    }
    let floor = if div != 0.0 {
        let f = div.floor();
        if div - f > 0.5 { f + 1.0 } else { f }
    } else {
        0f64.copysign(x / y)
    };
    (floor, m)
}

/// `x ** n` by squaring.
fn complex_power(x: (f64, f64), n: u32) -> (f64, f64) {
    let multiply = |a: (f64, f64), b: (f64, f64)| (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
    let (mut result, mut square, mut left) = ((1.0, 0.0), x, n);
    while left > 0 {
        if left & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        left >>= 1;
    }
    result
}

/// Smith's method for complex division.
fn complex_div(x: (f64, f64), y: (f64, f64)) -> (f64, f64) {
    if y.0.abs() >= y.1.abs() {
        let ratio = y.1 / y.0;
        let d = y.0 + y.1 * ratio;
        ((x.0 + x.1 * ratio) / d, (x.1 - x.0 * ratio) / d)
    } else {
        let ratio = y.0 / y.1;
        let d = y.0 * ratio + y.1;
        ((x.0 * ratio + x.1) / d, (x.1 * ratio - x.0) / d)
    }
}

/// The float nearest to an int, ties to even; infinite beyond the range.
pub fn big_to_f64(n: &IBig) -> f64 {
    let magnitude = n.clone().unsigned_abs();
    let bits = magnitude.bit_len();
    let value = if bits <= 64 {
        u64::try_from(&magnitude).unwrap_or(u64::MAX) as f64
    } else if bits > 1024 {
        f64::INFINITY
    } else {
        // 64 significant bits with a sticky lowest one round like the whole number.
        let shift = bits - 64;
        let top = u64::try_from(&(&magnitude >> shift)).unwrap_or(u64::MAX);
        let sticky = magnitude.trailing_zeros().is_some_and(|z| z < shift);
        let rounded = (top | sticky as u64) as f64;
        rounded * 2f64.powi(shift as i32)
    };
    if n.is_negative() { -value } else { value }
}

/// The order of an int and a float; None for NaN.
pub fn compare_big_float(n: &IBig, x: f64) -> Option<std::cmp::Ordering> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater });
    }
    let whole = float_to_big(x.trunc());
    Some(n.cmp(&whole).then_with(|| {
        let fraction = x - x.trunc();
        0f64.partial_cmp(&fraction).unwrap_or(std::cmp::Ordering::Equal)
    }))
}

/// The int of a finite, whole float.
pub fn float_to_big(x: f64) -> IBig {
    if x.abs() < 9.0e18 {
        return IBig::from(x as i64);
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1075;
    let mantissa = IBig::from(bits & ((1 << 52) - 1) | 1 << 52);
    let magnitude = if exponent >= 0 { mantissa << exponent as usize } else { mantissa >> (-exponent) as usize };
    if x < 0.0 { -magnitude } else { magnitude }
}

/// The quotient of ints correctly rounded to a float; None if it is out of range.
fn divide_to_f64(x: &IBig, y: &IBig) -> Option<f64> {
    let negative = x.is_negative() != y.is_negative();
    let (a, b) = (x.clone().unsigned_abs(), y.clone().unsigned_abs());
    if a.bit_len() == 0 {
        return Some(if negative { -0.0 } else { 0.0 });
    }
    // Scale for a quotient of at least 66 bits; a sticky bit then makes the rounding right. Results below the
    // normal range keep fewer bits, so that they too are rounded once.
    let shift = 66 - (a.bit_len() as i64 - b.bit_len() as i64);
    let shift = shift.min(1074 + 2);
    let (q, r) = if shift >= 0 { (a << shift as usize).div_rem(&b) } else { a.div_rem(&(b << (-shift) as usize)) };
    let sticky = r.bit_len() != 0;
    let q = IBig::from(q);
    let q = if sticky { (q << 1) | IBig::ONE } else { q << 1 };
    let value = big_to_f64(&q);
    let result = scale(value, -(shift + 1));
    if result.is_infinite() {
        return None;
    }
    Some(if negative { -result } else { result })
}

/// `x * 2**n` without intermediate overflow or underflow.
fn scale(x: f64, n: i64) -> f64 {
    let mut x = x;
    let mut n = n;
    while n > 1000 {
        x *= 2f64.powi(1000);
        n -= 1000;
    }
    while n < -1000 {
        x *= 2f64.powi(-1000);
        n += 1000;
    }
    x * 2f64.powi(n as i32)
}
