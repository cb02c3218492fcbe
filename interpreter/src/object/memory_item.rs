//! memoryviews: making them, and their items as values.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::memory::item_size;
use crate::object::misc::MemoryView;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Value};

/// What a view shows: `len` items from byte `start` on, `stride` bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub start: usize,
    pub len: usize,
    pub stride: i64,
    pub format: Value,
    pub readonly: bool,
    /// A tuple of lengths, or None for one dimension.
    pub shape: Value,
}

impl Ctx {
    /// `memoryview(v)`
    pub fn memoryview(&mut self, v: Value) -> R<Gc<MemoryView>> {
        if let Some(view) = v.cast::<MemoryView>() {
            let (base, layout) = (self.view_base(view)?, view_layout(view));
            return self.new_view(base, layout);
        }
        let (len, readonly) = if let Some(b) = v.cast::<Bytes>() {
            (b.len, true)
        } else if let Some(b) = v.cast::<ByteArray>() {
            (b.len(), false)
        } else {
            return self.view_by_method(v);
        };
        let format = self.str("B");
        self.new_view(v, Layout { start: 0, len, stride: 1, format, readonly, shape: Value::NONE })
    }

    fn view_by_method(&mut self, v: Value) -> R<Gc<MemoryView>> {
        let names = self.names();
        // PyBUF_FULL_RO
        if let Some(result) = self.call_special(v, names.__buffer__, &[Value::small_int(0x11c)])? {
            if let Some(view) = result.cast::<MemoryView>() {
                return self.memoryview(view.value());
            }
            return Err(self.type_error("__buffer__ returned non-memoryview object"));
        }
        let got = self.type_name(v);
        Err(self.type_error(format!("memoryview: a bytes-like object is required, not '{got}'")))
    }

    /// A view of bytes or a bytearray.
    pub fn new_view(&mut self, base: Value, layout: Layout) -> R<Gc<MemoryView>> {
        let view = self.new_memoryview(|m| {
            m.base.set(base);
            m.start = layout.start.into();
            m.len = layout.len.into();
            m.stride = layout.stride.into();
            m.format.set(layout.format);
            m.readonly = u32::from(layout.readonly).into();
            m.shape.set(layout.shape);
        });
        if let Some(array) = base.cast::<ByteArray>() {
            self.pin_bytes(array, view)?;
        }
        Ok(view)
    }

    /// What a view shows; ValueError once released.
    pub fn view_base(&mut self, view: Gc<MemoryView>) -> R {
        let base = view.base.get();
        if base.is_unbound() {
            return Err(self.value_error("operation forbidden on released memoryview object"));
        }
        Ok(base)
    }

    /// The letter of a view's format.
    pub fn view_letter(&self, view: Gc<MemoryView>) -> u8 {
        let format = view.format.get().cast::<Str>();
        format.and_then(|f| f.as_bytes().last().copied()).unwrap_or(b'B')
    }

    /// Item `index` (in range) of a view.
    pub fn view_item(&mut self, view: Gc<MemoryView>, index: usize) -> R {
        let base = self.view_base(view)?;
        let layout = view_layout(view);
        let at = (layout.start as i64 + index as i64 * layout.stride) as usize;
        let mut item = [0u8; 8];
        let size = item_size(view);
        for (i, byte) in item.iter_mut().enumerate().take(size) {
            *byte = base_byte(base, at + i).unwrap_or(0);
        }
        self.unpack_item(self.view_letter(view), item)
    }

    /// The value of an item's bytes.
    pub fn unpack_item(&mut self, letter: u8, item: [u8; 8]) -> R {
        let [a, b, c, d, ..] = item;
        let (two, four) = ([a, b], [a, b, c, d]);
        Ok(match letter {
            b'c' => return self.bytes(&[a]),
            b'?' => Value::bool(a != 0),
            b'b' => self.int(i64::from(a as i8)),
            b'h' => self.int(i64::from(i16::from_le_bytes(two))),
            b'H' => self.int(i64::from(u16::from_le_bytes(two))),
            b'i' => self.int(i64::from(i32::from_le_bytes(four))),
            b'I' => self.int(i64::from(u32::from_le_bytes(four))),
            b'l' | b'q' | b'n' => self.int(i64::from_le_bytes(item)),
            b'L' | b'Q' | b'N' | b'P' => self.uint(u64::from_le_bytes(item)),
            b'f' => self.float(f64::from(f32::from_le_bytes(four))),
            b'd' => self.float(f64::from_le_bytes(item)),
            b'e' => self.float(half_to_f64(u16::from_le_bytes(two))),
            _ => self.int(i64::from(a)),
        })
    }

    /// The bytes of a value as an item.
    pub fn pack_item(&mut self, letter: u8, v: Value) -> R<[u8; 8]> {
        let mut item = [0u8; 8];
        match letter {
            b'c' => match v.cast::<Bytes>() {
                Some(b) if b.len == 1 => item[0] = b.as_bytes()[0],
                Some(_) => return Err(self.bad_item(letter, true)),
                None => return Err(self.bad_item(letter, false)),
            },
            b'?' => item[0] = u8::from(self.truth(v)?),
            b'f' | b'd' | b'e' => {
                if !self.is_real(v) {
                    return Err(self.bad_item(letter, false));
                }
                let x = self.to_float(v)?;
                match letter {
                    b'd' => item = x.to_le_bytes(),
                    b'f' => item[..4].copy_from_slice(&(x as f32).to_le_bytes()),
                    _ => item[..2].copy_from_slice(&half_of_f64(x).to_le_bytes()),
                }
            }
            _ => {
                let index = self.names().__index__;
                if !self.is_int(v) && self.lookup_special(v, index).is_none() {
                    return Err(self.bad_item(letter, false));
                }
                let index = self.index(v)?;
                let n = self.as_int(index).and_then(|n| i128::try_from(&n).ok());
                let (low, high) = int_range(letter);
                match n.filter(|n| (low..=high).contains(n)) {
                    Some(n) => item.copy_from_slice(&n.to_le_bytes()[..8]),
                    None => return Err(self.bad_item(letter, true)),
                }
            }
        }
        Ok(item)
    }

    fn bad_item(&mut self, letter: u8, value: bool) -> crate::native::Raised {
        let letter = letter as char;
        if value {
            return self.value_error(format!("memoryview: invalid value for format '{letter}'"));
        }
        self.type_error(format!("memoryview: invalid type for format '{letter}'"))
    }

    /// Stores item `index` (in range) of a view over a bytearray.
    pub fn set_view_item(&mut self, view: Gc<MemoryView>, index: usize, item: [u8; 8]) -> R<()> {
        let base = self.view_base(view)?;
        let layout = view_layout(view);
        let at = (layout.start as i64 + index as i64 * layout.stride) as usize;
        if let Some(array) = base.cast::<ByteArray>() {
            let buffer = array.buffer();
            let len = buffer.fill.load(Ordering::Acquire);
            for (i, byte) in item.iter().enumerate().take(item_size(view)) {
                if at + i < len {
                    buffer.set(at + i, *byte);
                }
            }
        }
        Ok(())
    }
}

/// The values an integer format holds.
fn int_range(letter: u8) -> (i128, i128) {
    match letter {
        b'b' => (i8::MIN.into(), i8::MAX.into()),
        b'h' => (i16::MIN.into(), i16::MAX.into()),
        b'H' => (0, u16::MAX.into()),
        b'i' => (i32::MIN.into(), i32::MAX.into()),
        b'I' => (0, u32::MAX.into()),
        b'l' | b'q' | b'n' => (i64::MIN.into(), i64::MAX.into()),
        b'L' | b'Q' | b'N' | b'P' => (0, u64::MAX.into()),
        _ => (0, u8::MAX.into()),
    }
}

fn base_byte(base: Value, at: usize) -> Option<u8> {
    match base.cast::<Bytes>() {
        Some(b) => b.as_bytes().get(at).copied(),
        None => base.cast::<ByteArray>().and_then(|b| (at < b.len()).then(|| b.buffer().get(at))),
    }
}

/// A view's layout at this moment.
pub fn view_layout(view: Gc<MemoryView>) -> Layout {
    Layout {
        start: view.start.load(Ordering::Relaxed),
        len: view.len.load(Ordering::Relaxed),
        stride: view.stride.load(Ordering::Relaxed),
        format: view.format.get(),
        readonly: view.readonly.load(Ordering::Relaxed) != 0,
        shape: view.shape.get(),
    }
}

/// IEEE half precision.
fn half_to_f64(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// The nearest half, ties to even; infinite beyond the range.
fn half_of_f64(x: f64) -> u16 {
    let sign = u16::from(x.is_sign_negative()) << 15;
    let size = x.abs();
    if x.is_nan() {
        return sign | 0x7e00;
    }
    if size >= 65520.0 {
        return sign | 0x7c00;
    }
    let exponent = if size < 2f64.powi(-14) { -14 } else { size.log2().floor() as i32 };
    let exponent = if size < 2f64.powi(exponent) && exponent > -14 { exponent - 1 } else { exponent };
    let units = (size * 2f64.powi(10 - exponent)).round_ties_even() as u16;
    // Carries run into the exponent by themselves.
    sign | (((exponent + 14) as u16) << 10).wrapping_add(units)
}
