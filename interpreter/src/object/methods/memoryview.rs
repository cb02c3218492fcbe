//! memoryview.

use conc_macros::methods;

/// Methods of memoryview.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::compare::CompareOp;
    use crate::object::kind::ClassId;
    use crate::object::memory::item_size;
    use crate::object::memory_item::{Layout, view_layout};
    use crate::object::misc::{MemoryView, SliceObject};
    use crate::object::sequence::{List, Tuple};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    type View = Gc<MemoryView>;

    /// Make a view of the object's memory.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, cls: Value, #[kw] object: Value) -> R<View> {
        cx.class_for_new(cls, ClassId::MemoryView)?;
        cx.memoryview(object)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(this: View) -> String {
        let at = this.value().bits() - 1;
        if this.base.get().is_unbound() {
            format!("<released memory at {at:#x}>")
        } else {
            format!("<memory at {at:#x}>")
        }
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        if !view_layout(this).readonly {
            return Err(cx.value_error("cannot hash writable memoryview object"));
        }
        if !matches!(cx.view_letter(this), b'B' | b'b' | b'c') {
            return Err(cx.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
        }
        let data = cx.byte_vec(this.value())?;
        let hash = cx.hash_bytes(&data);
        Ok(cx.int(hash as i64))
    }

    fn compare(cx: &mut Ctx, op: CompareOp, this: View, value: Value) -> R {
        cx.native_compare(op, this.value(), value)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: View, value: Value) -> R {
        compare(cx, CompareOp::Eq, this, value)
    }

    /// Tell whether self and value differ.
    pub fn __ne__(cx: &mut Ctx, this: View, value: Value) -> R {
        compare(cx, CompareOp::Ne, this, value)
    }

    /// The length of the first dimension.
    fn first_dimension(cx: &Ctx, this: View) -> usize {
        let first = this.shape.get().cast::<Tuple>().and_then(|t| t.items().first().copied());
        first.and_then(|n| cx.as_i64(n)).map_or_else(|| view_layout(this).len, |n| n as usize)
    }

    /// Tell how many items there are.
    pub fn __len__(cx: &mut Ctx, this: View) -> R<usize> {
        cx.view_base(this)?;
        Ok(first_dimension(cx, this))
    }

    fn out_of_bounds(cx: &mut Ctx, dimension: usize) -> crate::native::Raised {
        cx.index_error(format!("index out of bounds on dimension {dimension}"))
    }

    /// The number of the item that a key names.
    fn item_at(cx: &mut Ctx, this: View, key: Value, sub_views: &str) -> R<usize> {
        let shape = this.shape.get().cast::<Tuple>().filter(|t| t.len != 1);
        if let Some(indices) = key.cast::<Tuple>() {
            return item_at_indices(cx, this, indices, shape);
        }
        if let Some(shape) = shape {
            if shape.len == 0 {
                return Err(cx.type_error("invalid indexing of 0-dim memory"));
            }
            return Err(cx.error(ClassId::NotImplementedError, sub_views));
        }
        let index = cx.names().__index__;
        if !cx.is_int(key) && cx.lookup_special(key, index).is_none() {
            return Err(cx.type_error("memoryview: invalid slice key"));
        }
        let len = view_layout(this).len;
        match cx.item_index(key, || len, "memoryview")? {
            Some(at) => Ok(at),
            None => Err(out_of_bounds(cx, 1)),
        }
    }

    fn item_at_indices(cx: &mut Ctx, this: View, indices: Gc<Tuple>, shape: Option<Gc<Tuple>>) -> R<usize> {
        let dimensions = shape.map_or(1, |s| s.len);
        if indices.len > dimensions {
            let got = indices.len;
            return Err(cx.type_error(format!("cannot index {dimensions}-dimension view with {got}-element tuple")));
        }
        if indices.len < dimensions {
            return Err(cx.error(ClassId::NotImplementedError, "sub-views are not implemented"));
        }
        let mut at = 0;
        for (i, &index) in indices.items().iter().enumerate() {
            let len = shape.map_or(view_layout(this).len, |s| cx.as_i64(s.items()[i]).unwrap_or(0) as usize);
            match cx.item_index(index, || len, "memoryview")? {
                Some(index) => at = at * len + index,
                None => return Err(out_of_bounds(cx, i + 1)),
            }
        }
        Ok(at)
    }

    /// The part of a view that a slice selects.
    fn sliced(cx: &mut Ctx, this: View, slice: Gc<SliceObject>) -> R<View> {
        let base = cx.view_base(this)?;
        let layout = view_layout(this);
        if let Some(shape) = this.shape.get().cast::<Tuple>().filter(|t| t.len != 1) {
            return sliced_rows(cx, this, slice, shape);
        }
        let span = cx.slice_span(slice, || layout.len)?;
        let start = (layout.start as i64 + span.start.max(0) * layout.stride) as usize;
        let stride = layout.stride * span.step;
        cx.new_view(base, Layout { start, len: span.count, stride, shape: Value::NONE, ..layout })
    }

    /// The part of a view of several dimensions that a slice of the first selects.
    fn sliced_rows(cx: &mut Ctx, this: View, slice: Gc<SliceObject>, shape: Gc<Tuple>) -> R<View> {
        let (base, layout) = (cx.view_base(this)?, view_layout(this));
        let Some((&rows, rest)) = shape.items().split_first() else {
            return Err(cx.type_error("cannot slice a view with no dimension"));
        };
        let rows = cx.as_i64(rows).unwrap_or(0) as usize;
        let span = cx.slice_span(slice, || rows)?;
        if span.step != 1 && span.count > 1 {
            return Err(
                cx.error(ClassId::NotImplementedError, "multi-dimensional slicing with steps is not implemented")
            );
        }
        let row = layout.len / rows.max(1);
        let lengths = cx.new_list();
        let count = cx.int(span.count as i64);
        cx.list_push(lengths, count)?;
        for &length in rest {
            cx.list_push(lengths, length)?;
        }
        let shape = cx.list_to_tuple(lengths)?;
        let start = layout.start + span.start.max(0) as usize * row * item_size(this);
        cx.new_view(base, Layout { start, len: span.count * row, shape, ..layout })
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: View, key: Value) -> R {
        cx.view_base(this)?;
        if let Some(slice) = key.cast::<SliceObject>() {
            return Ok(sliced(cx, this, slice)?.value());
        }
        let at = item_at(cx, this, key, "multi-dimensional sub-views are not implemented")?;
        cx.view_item(this, at)
    }

    /// Put the value at the key.
    pub fn __setitem__(cx: &mut Ctx, this: View, key: Value, value: Value) -> R<()> {
        cx.view_base(this)?;
        if view_layout(this).readonly {
            return Err(cx.type_error("cannot modify read-only memory"));
        }
        if let Some(slice) = key.cast::<SliceObject>() {
            return set_slice(cx, this, slice, value);
        }
        let at = item_at(cx, this, key, "sub-views are not implemented")?;
        let item = cx.pack_item(cx.view_letter(this), value)?;
        cx.set_view_item(this, at, item)
    }

    fn set_slice(cx: &mut Ctx, this: View, slice: Gc<SliceObject>, value: Value) -> R<()> {
        if this.shape.get().cast::<Tuple>().is_some_and(|t| t.len != 1) {
            let message = "memoryview slice assignments are currently restricted to ndim = 1";
            return Err(cx.error(ClassId::NotImplementedError, message));
        }
        let target = sliced(cx, this, slice)?;
        let source = match value.cast::<MemoryView>() {
            Some(view) => view,
            None => match cx.memoryview(value) {
                Ok(view) => view,
                Err(e) if cx.is_error(e, ClassId::TypeError) => {
                    let got = cx.type_name(value);
                    return Err(cx.type_error(format!("a bytes-like object is required, not '{got}'")));
                }
                Err(e) => return Err(e),
            },
        };
        let (to, from) = (view_layout(target), view_layout(source));
        if to.len != from.len || cx.view_letter(target) != cx.view_letter(source) {
            let message = "memoryview assignment: lvalue and rvalue have different structures";
            return Err(cx.value_error(message));
        }
        let data = cx.byte_vec(source.value())?;
        let size = item_size(target);
        for (i, bytes) in data.chunks(size).enumerate() {
            let mut item = [0; 8];
            item[..bytes.len()].copy_from_slice(bytes);
            cx.set_view_item(target, i, item)?;
        }
        target.base.set_immediate(Value::UNBOUND);
        Ok(())
    }

    /// Take out what is at the key.
    pub fn __delitem__(cx: &mut Ctx, this: View, _key: Value) -> R<()> {
        cx.view_base(this)?;
        if view_layout(this).readonly {
            return Err(cx.type_error("cannot modify read-only memory"));
        }
        Err(cx.type_error("cannot delete memory"))
    }

    /// Give an iterator over the items.
    pub fn __iter__(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        Ok(cx.new_iter(ClassId::MemoryIterator, this.value(), Value::NONE, 0, 0).value())
    }

    /// Give the view itself; leaving the with block releases it.
    pub fn __enter__(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        Ok(this.value())
    }

    /// Let go of the memory that was viewed.
    pub fn __exit__(this: View, _exc_info: &[Value]) {
        this.base.set_immediate(Value::UNBOUND);
    }

    /// Let go of the memory that was viewed.
    pub fn release(this: View) {
        this.base.set_immediate(Value::UNBOUND);
    }

    /// Give a view of the bytes that the object holds.
    pub fn __buffer__(cx: &mut Ctx, this: View, _flags: i64) -> R<View> {
        cx.memoryview(this.value())
    }

    /// Take back a view that `__buffer__` gave.
    pub fn __release_buffer__(_this: View, _buffer: Value) {}

    /// Tell how much memory the view takes, in bytes.
    pub fn __sizeof__(_this: View) -> i64 {
        168
    }

    /// Copy what is viewed into a bytes object.
    ///
    /// order 'C' (or None) has the last dimension vary fastest, 'F' the first; 'A' keeps the order of the memory.
    pub fn tobytes(
        cx: &mut Ctx,
        this: View,
        #[kw]
        #[default(Value::NONE)]
        order: Value,
    ) -> R {
        if !order.is_none() {
            let order = cx.str_arg(order, "tobytes() argument 'order'")?;
            if !(order.eq_text("C") || order.eq_text("F") || order.eq_text("A")) {
                return Err(cx.value_error("order must be 'C', 'F' or 'A'"));
            }
        }
        let data = cx.byte_vec(this.value())?;
        cx.bytes(&data)
    }

    /// Give what is viewed as hexadecimal digits.
    ///
    /// sep goes between groups of bytes_per_sep bytes, counted from the right, or from the left if that is negative.
    pub fn hex(cx: &mut Ctx, this: View, #[kw] sep: Option<Value>, #[kw] bytes_per_sep: Option<Value>) -> R<String> {
        let data = cx.byte_vec(this.value())?;
        let group = cx.c_int_arg(bytes_per_sep, 1)?;
        cx.hex_text(&data, sep, group)
    }

    /// Give the elements in a list.
    pub fn tolist(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        let mut at = 0;
        match this.shape.get().cast::<Tuple>() {
            Some(shape) if shape.len == 0 => cx.view_item(this, 0),
            Some(shape) => Ok(nested(cx, this, shape.items(), &mut at)?.value()),
            None => {
                let len = cx.int(view_layout(this).len as i64);
                Ok(nested(cx, this, &[len], &mut at)?.value())
            }
        }
    }

    fn nested(cx: &mut Ctx, this: View, shape: &[Value], at: &mut usize) -> R<Gc<List>> {
        let list = cx.new_list();
        let Some((first, rest)) = shape.split_first() else { return Ok(list) };
        for _ in 0..cx.as_i64(*first).unwrap_or(0) {
            let item = if rest.is_empty() {
                *at += 1;
                cx.view_item(this, *at - 1)?
            } else {
                nested(cx, this, rest, at)?.value()
            };
            cx.list_push(list, item)?;
            cx.poll()?;
        }
        Ok(list)
    }

    /// Give another view of the same memory, which does not write.
    pub fn toreadonly(cx: &mut Ctx, this: View) -> R<View> {
        let base = cx.view_base(this)?;
        cx.new_view(base, Layout { readonly: true, ..view_layout(this) })
    }

    /// Whether the items lie one behind the other.
    fn is_contiguous(this: View) -> bool {
        let layout = view_layout(this);
        layout.len == 1 || layout.stride == item_size(this) as i64
    }

    /// View the same memory as elements of another format, or in another shape.
    pub fn cast(cx: &mut Ctx, this: View, #[kw] format: Value, #[kw] shape: Option<Value>) -> R<View> {
        let base = cx.view_base(this)?;
        let layout = view_layout(this);
        let Some(text) = format.cast::<Str>() else {
            return Err(cx.type_error("memoryview: format argument must be a string"));
        };
        if !is_contiguous(this) {
            return Err(cx.type_error("memoryview: casts are restricted to C-contiguous views"));
        }
        let dimensions = this.shape.get().cast::<Tuple>().map_or(1, |t| t.len);
        if (shape.is_some() || dimensions != 1) && layout.len == 0 {
            return Err(cx.type_error("memoryview: cannot cast view with zeros in shape or strides"));
        }
        if let Some(shape) = shape {
            if !(shape.is_a::<List>() || shape.is_a::<Tuple>()) {
                return Err(cx.type_error("shape must be a list or a tuple"));
            }
            if dimensions != 1 && cx.len(shape)? != 1 {
                return Err(cx.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
            }
        }
        let bare = text.as_bytes().strip_prefix(b"@").unwrap_or(text.as_bytes());
        let known = matches!(bare, [letter] if b"cbB?hHiIlLqQnNfdePe".contains(letter));
        if !known {
            return Err(cx.value_error(
                "memoryview: destination format must be a native single character format prefixed with an optional '@'",
            ));
        }
        let byte = |letter: u8| matches!(letter, b'B' | b'b' | b'c');
        if !byte(cx.view_letter(this)) && !byte(bare[0]) {
            return Err(cx.type_error("memoryview: cannot cast between two non-byte formats"));
        }
        let bytes = layout.len * item_size(this);
        let view = cx.new_view(base, Layout { format, shape: Value::NONE, ..layout })?;
        let size = item_size(view);
        view.stride.store(size as i64, std::sync::atomic::Ordering::Relaxed);
        view.len.store(bytes / size, std::sync::atomic::Ordering::Relaxed);
        if !bytes.is_multiple_of(size) {
            view.base.set_immediate(Value::UNBOUND);
            return Err(cx.type_error("memoryview: length is not a multiple of itemsize"));
        }
        if let Some(shape) = shape {
            set_shape(cx, view, shape, bytes / size)?;
        }
        Ok(view)
    }

    fn set_shape(cx: &mut Ctx, view: View, shape: Value, items: usize) -> R<()> {
        let shape = cx.collect_tuple(shape)?;
        let mut product = 1usize;
        for &n in shape.items() {
            if !cx.is_int(n) {
                return Err(cx.type_error("memoryview.cast(): elements of shape must be integers"));
            }
            match cx.as_i64(n) {
                Some(n) if n > 0 => product = product.saturating_mul(n as usize),
                _ => return Err(cx.value_error("memoryview.cast(): elements of shape must be integers > 0")),
            }
        }
        if product != items {
            return Err(cx.type_error("memoryview: product(shape) * itemsize != buffer size"));
        }
        view.shape.set(shape.value());
        Ok(())
    }

    /// The object whose memory is viewed.
    #[getter]
    pub fn obj(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)
    }

    /// How many bytes the elements take without gaps.
    #[getter]
    pub fn nbytes(cx: &mut Ctx, this: View) -> R<usize> {
        cx.view_base(this)?;
        Ok(view_layout(this).len * item_size(this))
    }

    /// Whether the view refuses to write.
    #[getter]
    pub fn readonly(cx: &mut Ctx, this: View) -> R<bool> {
        cx.view_base(this)?;
        Ok(view_layout(this).readonly)
    }

    /// How many bytes one element takes.
    #[getter]
    pub fn itemsize(cx: &mut Ctx, this: View) -> R<usize> {
        cx.view_base(this)?;
        Ok(item_size(this))
    }

    /// The format of an element, in the letters of the struct module.
    #[getter]
    pub fn format(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        Ok(this.format.get())
    }

    /// How many dimensions there are.
    #[getter]
    pub fn ndim(cx: &mut Ctx, this: View) -> R<usize> {
        cx.view_base(this)?;
        Ok(this.shape.get().cast::<Tuple>().map_or(1, |t| t.len))
    }

    /// How many elements each dimension has, as a tuple.
    #[getter]
    pub fn shape(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        if this.shape.get().is_a::<Tuple>() {
            return Ok(this.shape.get());
        }
        let len = cx.int(view_layout(this).len as i64);
        cx.tuple(&[len])
    }

    /// How many bytes apart neighbours are in each dimension, as a tuple.
    #[getter]
    pub fn strides(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        let layout = view_layout(this);
        let Some(shape) = this.shape.get().cast::<Tuple>().filter(|t| t.len != 1) else {
            let stride = cx.int(layout.stride);
            return cx.tuple(&[stride]);
        };
        let list = cx.new_list();
        let mut stride = item_size(this) as i64;
        for &n in shape.items().iter().rev() {
            let size = cx.int(stride);
            cx.list_splice(list, 0, 0, &[size])?;
            stride *= cx.as_i64(n).unwrap_or(1);
        }
        cx.list_to_tuple(list)
    }

    /// Always (): no element is reached by way of a pointer.
    #[getter]
    pub fn suboffsets(cx: &mut Ctx, this: View) -> R {
        cx.view_base(this)?;
        cx.tuple(&[])
    }

    /// Whether there are no gaps and the last dimension varies fastest.
    #[getter]
    pub fn c_contiguous(cx: &mut Ctx, this: View) -> R<bool> {
        cx.view_base(this)?;
        Ok(is_contiguous(this))
    }

    /// Whether there are no gaps and the first dimension varies fastest.
    #[getter]
    pub fn f_contiguous(cx: &mut Ctx, this: View) -> R<bool> {
        cx.view_base(this)?;
        let one = this.shape.get().cast::<Tuple>().is_none_or(|t| t.len <= 1);
        Ok(one && is_contiguous(this))
    }

    /// Whether there are no gaps, whichever dimension varies fastest.
    #[getter]
    pub fn contiguous(cx: &mut Ctx, this: View) -> R<bool> {
        cx.view_base(this)?;
        Ok(is_contiguous(this))
    }
}
