//! Comparison: `==`, ordering, and what the builtin types mean by them.

use std::cmp::Ordering;

use crate::native::{Ctx, R};
use crate::object::arith::{Attempt, big_to_f64, compare_big_float};
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::{Range, SliceObject};
use crate::object::number::Complex;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Value};

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

impl CompareOp {
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        }
    }
    /// The operator with its operands exchanged.
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            op => op,
        }
    }
    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }
    pub fn dunder(self, cx: &Ctx) -> Gc<Str> {
        let n = cx.names();
        match self {
            CompareOp::Lt => n.__lt__,
            CompareOp::Le => n.__le__,
            CompareOp::Eq => n.__eq__,
            CompareOp::Ne => n.__ne__,
            CompareOp::Gt => n.__gt__,
            CompareOp::Ge => n.__ge__,
        }
    }
}

impl Ctx {
    /// `a == b` as a truth.
    pub fn eq(&mut self, a: Value, b: Value) -> R<bool> {
        let result = self.compare(CompareOp::Eq, a, b)?;
        self.truth(result)
    }

    /// `a < b` as a truth.
    pub fn lt(&mut self, a: Value, b: Value) -> R<bool> {
        if a.both_int(b) {
            return Ok((a.bits() as i64) < (b.bits() as i64));
        }
        let result = self.compare(CompareOp::Lt, a, b)?;
        self.truth(result)
    }

    /// `a is b or a == b`, what containers compare their items by.
    pub fn same(&mut self, a: Value, b: Value) -> R<bool> {
        if a == b && !self.is_nan(a) {
            return Ok(true);
        }
        if a == b {
            return Ok(true);
        }
        self.eq(a, b)
    }

    fn is_nan(&self, v: Value) -> bool {
        self.as_float(v).is_some_and(f64::is_nan)
    }

    /// `a op b` as scripts see it.
    pub fn compare(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        if a.both_int(b) {
            return Ok(Value::bool(op.holds((a.bits() as i64).cmp(&(b.bits() as i64)))));
        }
        let builtin = |v: Value| v.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32);
        if builtin(a) && builtin(b) {
            let result = self.native_compare(op, a, b)?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
            if !compares_by_method(a) && !compares_by_method(b) {
                return self.compare_default(op, a, b);
            }
        }
        self.compare_dispatch(op, a, b)
    }

    fn compare_dispatch(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        let methods = self.compare_methods(op, a, b);
        match self.first_answer(methods)? {
            Value::NOT_IMPLEMENTED => self.compare_default(op, a, b),
            answer => Ok(answer),
        }
    }

    /// The special methods that `a op b` tries, in their order: a subclass's goes first.
    pub fn compare_methods(&mut self, op: CompareOp, a: Value, b: Value) -> [Option<Attempt>; 2] {
        let (ca, cb) = (self.class_of(a), self.class_of(b));
        let (name, swapped) = (op.dunder(self), op.swapped().dunder(self));
        let own = self.lookup(ca, name).map(|function| Attempt { function, this: a, other: b });
        let other = self.lookup(cb, swapped).map(|function| Attempt { function, this: b, other: a });
        if ca != cb && cb.is_subclass_of(ca) { [other, own] } else { [own, other] }
    }

    /// What a comparison comes to that no special method answers.
    pub fn compare_default(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        match op {
            CompareOp::Eq => Ok(Value::bool(a == b)),
            CompareOp::Ne => Ok(Value::bool(a != b)),
            _ => {
                let (x, y) = (self.type_name(a), self.type_name(b));
                let message = format!("'{}' not supported between instances of '{x}' and '{y}'", op.symbol());
                Err(self.type_error(message))
            }
        }
    }

    /// What the native struct of `a` says about `a op b`; NotImplemented if it has no opinion.
    pub fn native_compare(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        if let Some(order) = self.compare_numbers(a, b) {
            return Ok(match order {
                Some(order) => Value::bool(op.holds(order)),
                None => Value::bool(op == CompareOp::Ne),
            });
        }
        if a.is_a::<Complex>() || b.is_a::<Complex>() {
            return Ok(self.compare_complex(op, a, b));
        }
        let (ka, kb) = (Kind::of(a.kind_byte()), Kind::of(b.kind_byte()));
        match (ka, kb) {
            (Kind::Str, Kind::Str) => {
                let (Some(x), Some(y)) = (a.cast::<Str>(), b.cast::<Str>()) else { return Ok(Value::NOT_IMPLEMENTED) };
                // WTF-8 orders as its code points do.
                Ok(Value::bool(op.holds(x.as_bytes().cmp(y.as_bytes()))))
            }
            (Kind::List, Kind::List) | (Kind::Tuple, Kind::Tuple) => self.compare_sequences(op, a, b),
            (Kind::Dict, Kind::Dict) => self.compare_dicts(op, a, b),
            (Kind::Set, Kind::Set) => self.compare_sets(op, a, b),
            (Kind::Bytes | Kind::ByteArray, Kind::Bytes | Kind::ByteArray) => {
                if let (Some(x), Some(y)) = (a.cast::<Bytes>(), b.cast::<Bytes>()) {
                    return Ok(Value::bool(op.holds(x.as_bytes().cmp(y.as_bytes()))));
                }
                Ok(Value::bool(op.holds(byte_data(a).cmp(&byte_data(b)))))
            }
            (Kind::ByteArray, Kind::MemoryView) | (Kind::MemoryView, Kind::ByteArray)
                if !matches!(op, CompareOp::Eq | CompareOp::Ne) =>
            {
                let (x, y) = (self.byte_vec(a)?, self.byte_vec(b)?);
                Ok(Value::bool(op.holds(x.cmp(&y))))
            }
            (Kind::MemoryView, Kind::MemoryView | Kind::Bytes | Kind::ByteArray)
            | (Kind::Bytes | Kind::ByteArray, Kind::MemoryView)
                if matches!(op, CompareOp::Eq | CompareOp::Ne) =>
            {
                let equal = a == b || self.memory_equal(a, b)?;
                Ok(Value::bool(equal == (op == CompareOp::Eq)))
            }
            (Kind::Range, Kind::Range) if matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                let equal = self.ranges_equal(a, b)?;
                Ok(Value::bool(equal == (op == CompareOp::Eq)))
            }
            (Kind::Slice, Kind::Slice) => self.compare_slices(op, a, b),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// The order of two real numbers; inner None: unordered (NaN); outer None: not both real numbers.
    fn compare_numbers(&mut self, a: Value, b: Value) -> Option<Option<Ordering>> {
        let (ia, ib) = (self.as_i64_fast(a), self.as_i64_fast(b));
        if let (Some(x), Some(y)) = (ia, ib) {
            return Some(Some(x.cmp(&y)));
        }
        let (fa, fb) = (self.as_float(a), self.as_float(b));
        if let (Some(x), Some(y)) = (fa, fb) {
            return Some(x.partial_cmp(&y));
        }
        match (fa, fb) {
            (Some(x), None) => {
                if let Some(n) = ib
                    && n.unsigned_abs() <= 1 << 53
                {
                    return Some(x.partial_cmp(&(n as f64)));
                }
                let n = self.as_int(b)?;
                Some(compare_big_float(&n, x).map(Ordering::reverse))
            }
            (None, Some(y)) => {
                if let Some(n) = ia
                    && n.unsigned_abs() <= 1 << 53
                {
                    return Some((n as f64).partial_cmp(&y));
                }
                let n = self.as_int(a)?;
                Some(compare_big_float(&n, y))
            }
            _ => Some(Some(self.as_int(a)?.cmp(&self.as_int(b)?))),
        }
    }

    fn as_i64_fast(&self, v: Value) -> Option<i64> {
        if v.is_int() { Some(v.int()) } else { v.as_bool().map(|b| b as i64) }
    }

    fn compare_complex(&mut self, op: CompareOp, a: Value, b: Value) -> Value {
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Value::NOT_IMPLEMENTED;
        }
        let parts = |cx: &Ctx, v: Value| -> Option<(f64, f64)> {
            if let Some(c) = v.cast::<Complex>() {
                return Some((c.re, c.im));
            }
            if let Some(x) = cx.as_float(v) {
                return Some((x, 0.0));
            }
            let n = cx.as_int(v)?;
            let x = big_to_f64(&n);
            // An int equals a float only if the conversion is exact.
            (compare_big_float(&n, x) == Some(Ordering::Equal)).then_some((x, 0.0)).or(Some((f64::NAN, 0.0)))
        };
        match (parts(self, a), parts(self, b)) {
            (Some(x), Some(y)) => Value::bool((x == y) == (op == CompareOp::Eq)),
            _ => Value::NOT_IMPLEMENTED,
        }
    }

    /// Item `i` of a list or tuple at this moment.
    fn item(&self, v: Value, i: usize) -> Option<Value> {
        match v.cast::<List>() {
            Some(l) => l.get(i),
            None => v.cast::<Tuple>().and_then(|t| t.items().get(i).copied()),
        }
    }

    fn compare_sequences(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        self.check_stack()?;
        let lens = |cx: &Ctx| (cx.native_len(a).unwrap_or(0), cx.native_len(b).unwrap_or(0));
        let (la, lb) = lens(self);
        if la != lb && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::bool(op == CompareOp::Ne));
        }
        let mut i = 0;
        while let (Some(x), Some(y)) = (self.item(a, i), self.item(b, i)) {
            i += 1;
            self.poll()?;
            if x == y {
                continue;
            }
            if !self.eq(x, y)? {
                return match op {
                    CompareOp::Eq => Ok(Value::FALSE),
                    CompareOp::Ne => Ok(Value::TRUE),
                    _ => self.compare(op, x, y),
                };
            }
        }
        let (la, lb) = lens(self);
        Ok(Value::bool(op.holds(la.cmp(&lb))))
    }

    fn compare_dicts(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        let (Some(x), Some(y)) = (a.cast::<Dict>(), b.cast::<Dict>()) else { return Ok(Value::NOT_IMPLEMENTED) };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        self.check_stack()?;
        let equal = x.len() == y.len() && self.dict_within(x, y)?;
        Ok(Value::bool(equal == (op == CompareOp::Eq)))
    }

    fn dict_within(&mut self, x: Gc<Dict>, y: Gc<Dict>) -> R<bool> {
        for (key, value) in x.pairs() {
            self.poll()?;
            match y.get(self, key)? {
                Some(other) if self.same(value, other)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn compare_sets(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        let (Some(x), Some(y)) = (a.cast::<Set>(), b.cast::<Set>()) else { return Ok(Value::NOT_IMPLEMENTED) };
        let (lx, ly) = (x.len(), y.len());
        let result = match op {
            CompareOp::Eq => lx == ly && self.subset(x, y)?,
            CompareOp::Ne => lx != ly || !self.subset(x, y)?,
            CompareOp::Le => lx <= ly && self.subset(x, y)?,
            CompareOp::Lt => lx < ly && self.subset(x, y)?,
            CompareOp::Ge => lx >= ly && self.subset(y, x)?,
            CompareOp::Gt => lx > ly && self.subset(y, x)?,
        };
        Ok(Value::bool(result))
    }

    /// Whether all keys of `x` are in `y`.
    pub fn subset(&mut self, x: Gc<Set>, y: Gc<Set>) -> R<bool> {
        for (key, _) in x.keys() {
            self.poll()?;
            if !y.contains(self, key)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn ranges_equal(&mut self, a: Value, b: Value) -> R<bool> {
        let (Some(x), Some(y)) = (a.cast::<Range>(), b.cast::<Range>()) else { return Ok(false) };
        let (nx, ny) = (self.range_len(x), self.range_len(y));
        if nx != ny {
            return Ok(false);
        }
        if nx == dashu_int::IBig::ZERO {
            return Ok(true);
        }
        if !self.eq(x.start.get(), y.start.get())? {
            return Ok(false);
        }
        Ok(nx == dashu_int::IBig::ONE || self.eq(x.step.get(), y.step.get())?)
    }

    fn compare_slices(&mut self, op: CompareOp, a: Value, b: Value) -> R {
        let (Some(x), Some(y)) = (a.cast::<SliceObject>(), b.cast::<SliceObject>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let x = self.tuple(&[x.start.get(), x.stop.get(), x.step.get()])?;
        let y = self.tuple(&[y.start.get(), y.stop.get(), y.step.get()])?;
        self.compare_sequences(op, x, y)
    }
}

/// Builtin objects whose classes have comparisons that [`Ctx::native_compare`] does not know.
fn compares_by_method(v: Value) -> bool {
    matches!(
        Kind::of(v.kind_byte()),
        Kind::DictView
            | Kind::Method
            | Kind::Native
            | Kind::GenericAlias
            | Kind::WeakRef
            | Kind::Wrapper
            | Kind::Code
            | Kind::MemoryView
            | Kind::Boxed
    )
}

/// A copy of the data of bytes or a bytearray.
fn byte_data(v: Value) -> Vec<u8> {
    match v.cast::<Bytes>() {
        Some(b) => b.as_bytes().to_vec(),
        None => v.cast::<ByteArray>().map_or_else(Vec::new, |b| b.to_vec()),
    }
}
