//! zlib: compression by the DEFLATE method, whole or in pieces, in zlib's and gzip's wrapping or bare.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::value::{Gc, Value};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};
use parking_lot::Mutex;

use crate::core::shared::{recall, recall_class, remember};

/// Bytes made or taken in between two looks at the rest of the program.
const PIECE: usize = 1 << 16;

/// zlib.error with a message.
#[cold]
fn error(cx: &mut Ctx, message: &str) -> Raised {
    let text = cx.str(message);
    match recall(cx, "zlib.error").map(|class| cx.call(class, &[text])) {
        Some(Ok(exc)) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Some(Err(e)) => e,
        None => cx.value_error(message),
    }
}

/// What stands around the compressed data.
#[derive(Clone, Copy, PartialEq)]
enum Wrapping {
    Zlib,
    Gzip,
    Bare,
    /// Whichever of the first two it turns out to be.
    Either,
}

impl Wrapping {
    /// As zlib's `wbits` says it.
    fn of(cx: &mut Ctx, wbits: i64, reading: bool) -> R<Wrapping> {
        match wbits {
            -15..=-8 => Ok(Wrapping::Bare),
            0 if reading => Ok(Wrapping::Zlib),
            8..=15 => Ok(Wrapping::Zlib),
            24..=31 => Ok(Wrapping::Gzip),
            32..=47 if reading => Ok(Wrapping::Either),
            _ => Err(cx.value_error("Invalid initialization option")),
        }
    }
}

// ---- compressing

/// Compression under way.
pub struct Deflater {
    core: CompressorOxide,
    wrapping: Wrapping,
    begun: bool,
    checksum: crc32fast::Hasher,
    total: u32,
    finished: bool,
}

/// The header of gzip without a name or a time, as zlib writes it.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

impl Deflater {
    fn new(level: i64, wrapping: Wrapping, strategy: i64) -> Deflater {
        let window = if wrapping == Wrapping::Zlib { 15 } else { -15 };
        let flags = create_comp_flags_from_zip_params(level.clamp(-1, 9) as i32, window, strategy as i32);
        Deflater {
            core: CompressorOxide::new(flags),
            wrapping,
            begun: false,
            checksum: crc32fast::Hasher::new(),
            total: 0,
            finished: false,
        }
    }

    /// Takes in all of `data` and returns what that gives.
    fn run(&mut self, mut data: &[u8], flush: MZFlush) -> Vec<u8> {
        let mut out = Vec::new();
        if self.wrapping == Wrapping::Gzip {
            if !self.begun {
                out.extend_from_slice(&GZIP_HEAD);
            }
            self.checksum.update(data);
            self.total = self.total.wrapping_add(data.len() as u32);
        }
        self.begun = true;
        loop {
            let start = out.len();
            out.resize(start + PIECE, 0);
            let result = miniz_oxide::deflate::stream::deflate(&mut self.core, data, &mut out[start..], flush);
            out.truncate(start + result.bytes_written);
            data = &data[result.bytes_consumed..];
            match result.status {
                Ok(MZStatus::StreamEnd) => {
                    self.finished = true;
                    if self.wrapping == Wrapping::Gzip {
                        out.extend_from_slice(&self.checksum.clone().finalize().to_le_bytes());
                        out.extend_from_slice(&self.total.to_le_bytes());
                    }
                    return out;
                }
                Ok(_) if !data.is_empty() || result.bytes_written == PIECE => {}
                _ => return out,
            }
        }
    }
}

// ---- decompressing

/// Where in the stream a decompressor is.
enum Place {
    /// Before the wrapping's head is whole.
    Head,
    Body,
    /// In gzip's checksum and length.
    Tail,
    End,
}

/// Decompression under way.
pub struct Inflater {
    core: Box<InflateState>,
    wrapping: Wrapping,
    place: Place,
    /// Input of the head or the tail that is not whole yet.
    held: Vec<u8>,
    checksum: crc32fast::Hasher,
    total: u32,
}

/// Why data cannot be decompressed.
type Fault = &'static str;

const BAD_HEAD: Fault = "Error -3 while decompressing data: incorrect header check";

/// The length of gzip's head, None if it is not whole.
fn gzip_head(data: &[u8]) -> Result<Option<usize>, Fault> {
    for (i, wanted) in [0x1f, 0x8b].into_iter().enumerate() {
        if data.get(i).is_some_and(|&b| b != wanted) {
            return Err(BAD_HEAD);
        }
    }
    if data.get(2).is_some_and(|&b| b != 8) {
        return Err("Error -3 while decompressing data: unknown compression method");
    }
    if data.len() < 10 {
        return Ok(None);
    }
    let flags = data[3];
    if flags & 0xe0 != 0 {
        return Err("Error -3 while decompressing data: unknown header flags set");
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let Some(len) = data.get(at..at + 2) else { return Ok(None) };
        at += 2 + usize::from(u16::from_le_bytes([len[0], len[1]]));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let Some(end) = data.get(at..).and_then(|rest| memchr::memchr(0, rest)) else { return Ok(None) };
            at += end + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    Ok((data.len() >= at).then_some(at))
}

impl Inflater {
    fn new(wrapping: Wrapping) -> Inflater {
        let format = if wrapping == Wrapping::Zlib { DataFormat::Zlib } else { DataFormat::Raw };
        let bare = matches!(wrapping, Wrapping::Zlib | Wrapping::Bare);
        Inflater {
            core: InflateState::new_boxed(format),
            wrapping,
            place: if bare { Place::Body } else { Place::Head },
            held: Vec::new(),
            checksum: crc32fast::Hasher::new(),
            total: 0,
        }
    }

    fn ended(&self) -> bool {
        matches!(self.place, Place::End)
    }

    /// Reads the head; what is left of the data, None if more is needed.
    fn head<'a>(&mut self, data: &'a [u8]) -> Result<Option<&'a [u8]>, Fault> {
        let before = self.held.len();
        self.held.extend_from_slice(data);
        if self.wrapping == Wrapping::Either && self.held.first().is_some_and(|&b| b != 0x1f) {
            *self = Inflater::new(Wrapping::Zlib);
            return Ok(Some(data));
        }
        let Some(len) = gzip_head(&self.held)? else { return Ok(None) };
        self.wrapping = Wrapping::Gzip;
        self.place = Place::Body;
        self.held.clear();
        Ok(Some(&data[len.saturating_sub(before)..]))
    }

    /// Reads gzip's tail; what is left of the data.
    fn tail<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], Fault> {
        let (part, rest) = data.split_at(data.len().min(8 - self.held.len()));
        self.held.extend_from_slice(part);
        if let Ok(tail) = <[u8; 8]>::try_from(&self.held[..]) {
            let word = u64::from_le_bytes(tail);
            if word as u32 != self.checksum.clone().finalize() {
                return Err("Error -3 while decompressing data: incorrect data check");
            }
            if (word >> 32) as u32 != self.total {
                return Err("Error -3 while decompressing data: incorrect length check");
            }
            self.place = Place::End;
        }
        Ok(rest)
    }

    /// Appends what the data gives, up to `most` bytes in all; what is left of the data.
    fn run<'a>(&mut self, mut data: &'a [u8], out: &mut Vec<u8>, most: usize) -> Result<&'a [u8], Fault> {
        loop {
            match self.place {
                Place::Head => match self.head(data)? {
                    Some(rest) => data = rest,
                    None => return Ok(&[]),
                },
                Place::Tail => {
                    data = self.tail(data)?;
                    if !self.ended() {
                        return Ok(data);
                    }
                }
                Place::End => return Ok(data),
                Place::Body => {
                    let start = out.len();
                    let room = PIECE.min(most - start);
                    if room == 0 {
                        return Ok(data);
                    }
                    out.resize(start + room, 0);
                    let result = inflate(&mut self.core, data, &mut out[start..], MZFlush::None);
                    out.truncate(start + result.bytes_written);
                    data = &data[result.bytes_consumed..];
                    if self.wrapping == Wrapping::Gzip {
                        self.checksum.update(&out[start..]);
                        self.total = self.total.wrapping_add(result.bytes_written as u32);
                    }
                    match result.status {
                        Ok(MZStatus::StreamEnd) if self.wrapping == Wrapping::Gzip => self.place = Place::Tail,
                        Ok(MZStatus::StreamEnd) => self.place = Place::End,
                        Ok(_) if result.bytes_written == 0 && result.bytes_consumed == 0 => return Ok(data),
                        Ok(_) | Err(MZError::Buf) if data.is_empty() && result.bytes_written < room => return Ok(data),
                        Ok(_) => {}
                        Err(MZError::Buf) => return Ok(data),
                        Err(_) if self.core.last_status() == TINFLStatus::Adler32Mismatch => {
                            return Err("Error -3 while decompressing data: incorrect data check");
                        }
                        Err(_) if self.wrapping == Wrapping::Zlib && start == 0 && result.bytes_written == 0 => {
                            return Err(BAD_HEAD);
                        }
                        Err(_) => return Err("Error -3 while decompressing data: invalid block type"),
                    }
                }
            }
        }
    }
}

// ---- objects of scripts

/// The payload of a compression object.
struct Compressing(Mutex<Deflater>);
impl Payload for Compressing {}

/// The payload of a decompression object.
struct Decompressing(Mutex<Inflater>);
impl Payload for Decompressing {}

/// Slots of a decompression object.
const UNUSED: usize = 0;
const UNCONSUMED: usize = 1;

fn class(cx: &mut Ctx, name: &str, methods: &'static [conc_interpreter::native::NativeDef]) -> Gc<Class> {
    let key = format!("zlib.{name}");
    if let Some(class) = recall_class(cx, &key) {
        return class;
    }
    let class = cx.native_class("zlib", name, None, methods);
    remember(cx, &key, class.value());
    class
}

/// What compression objects can do.
#[conc_macros::methods]
pub mod compressing {
    use super::*;
    use crate::data::view::View;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;

    /// Take in data; what it gives so far.
    pub fn compress(cx: &mut Ctx, this: Gc<Boxed>, data: Value) -> R {
        let (_, state) = payload::<Compressing>(cx, this.value())?;
        let data = View::of(cx, data)?;
        let mut out = Vec::new();
        for piece in data.chunks(PIECE) {
            out.extend_from_slice(&state.0.lock().run(piece, MZFlush::None));
            cx.poll()?;
        }
        cx.bytes(&out)
    }

    /// What is still held back; by default that ends the stream.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>, #[default(4)] mode: i64) -> R {
        let (_, state) = payload::<Compressing>(cx, this.value())?;
        let flush = match mode {
            0 => return cx.bytes(&[]),
            1 => MZFlush::Partial,
            2 => MZFlush::Sync,
            3 => MZFlush::Full,
            4 => MZFlush::Finish,
            _ => return Err(error(cx, "Error -2 while flushing: inconsistent stream state")),
        };
        let out = {
            let mut deflater = state.0.lock();
            if deflater.finished { None } else { Some(deflater.run(&[], flush)) }
        };
        match out {
            Some(out) => cx.bytes(&out),
            None => Err(error(cx, "Error -2 while finishing compression: inconsistent stream state")),
        }
    }
}

/// What decompression objects can do.
#[conc_macros::methods]
pub mod decompressing {
    use super::*;
    use crate::data::view::View;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;

    /// Runs the inflater over the data; what comes out, `most` bytes at most, and how much of the data is left.
    fn run(cx: &mut Ctx, state: &Decompressing, data: &[u8], most: usize) -> R<(Vec<u8>, usize)> {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let piece = &data[at..data.len().min(at + PIECE)];
            let made = out.len();
            // The output of one piece is bounded, however far it expands, before the program is looked at again.
            let bound = most.min(made + 16 * PIECE);
            let (left, ended) = {
                let mut inflater = state.0.lock();
                match inflater.run(piece, &mut out, bound) {
                    Ok(rest) => (rest.len(), inflater.ended()),
                    Err(message) => {
                        drop(inflater);
                        return Err(error(cx, message));
                    }
                }
            };
            let used = piece.len() - left;
            at += used;
            cx.poll()?;
            let full = out.len() >= most;
            if ended || full || (at >= data.len() && out.len() < bound) || (used == 0 && out.len() == made) {
                return Ok((out, data.len() - at));
            }
        }
    }

    fn append(cx: &mut Ctx, this: Gc<Boxed>, slot: usize, data: &[u8]) -> R<()> {
        let mut all = cx.byte_vec(this.slots()[slot].get())?;
        all.extend_from_slice(data);
        let all = cx.bytes(&all)?;
        this.slots()[slot].set(all);
        Ok(())
    }

    fn decompressed(cx: &mut Ctx, this: Gc<Boxed>, data: &[u8], most: usize) -> R {
        let (_, state) = payload::<Decompressing>(cx, this.value())?;
        if state.0.lock().ended() {
            append(cx, this, UNUSED, data)?;
            return cx.bytes(&[]);
        }
        let (out, left) = run(cx, state, data, most)?;
        let rest = &data[data.len() - left..];
        let ended = state.0.lock().ended();
        let empty = cx.bytes(&[])?;
        this.slots()[UNCONSUMED].set(empty);
        if !rest.is_empty() {
            append(cx, this, if ended { UNUSED } else { UNCONSUMED }, rest)?;
        }
        cx.bytes(&out)
    }

    /// What the data gives, up to `max_length` bytes (0: all).
    pub fn decompress(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        data: Value,
        #[kw]
        #[default(0)]
        max_length: i64,
    ) -> R {
        if max_length < 0 {
            return Err(cx.value_error("max_length must be non-negative"));
        }
        let data = View::of(cx, data)?;
        let most = if max_length == 0 { usize::MAX } else { max_length as usize };
        decompressed(cx, this, &data, most)
    }

    /// What unconsumed input still gives.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>, _length: Option<i64>) -> R {
        let tail = cx.byte_vec(this.slots()[UNCONSUMED].get())?;
        if tail.is_empty() {
            return cx.bytes(&[]);
        }
        decompressed(cx, this, &tail, usize::MAX)
    }

    /// Whether the end of the stream has come.
    #[getter]
    pub fn eof(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        let (_, state) = payload::<Decompressing>(cx, this.value())?;
        Ok(state.0.lock().ended())
    }
    /// Data after the end of the stream.
    #[getter]
    pub fn unused_data(_: &mut Ctx, this: Gc<Boxed>) -> Value {
        this.slots()[UNUSED].get()
    }
    /// Input that `max_length` has held back.
    #[getter]
    pub fn unconsumed_tail(_: &mut Ctx, this: Gc<Boxed>) -> Value {
        this.slots()[UNCONSUMED].get()
    }
}

/// Compression by the DEFLATE method
#[conc_macros::module(name = "zlib")]
pub mod functions {
    use super::*;
    use crate::core::shared::{call_method, define, set_text};
    use crate::data::view::View;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;

    pub const MAX_WBITS: i64 = 15;
    pub const DEF_BUF_SIZE: i64 = 16384;
    pub const DEF_MEM_LEVEL: i64 = 8;
    pub const DEFLATED: i64 = 8;
    pub const Z_NO_COMPRESSION: i64 = 0;
    pub const Z_BEST_SPEED: i64 = 1;
    pub const Z_BEST_COMPRESSION: i64 = 9;
    pub const Z_DEFAULT_COMPRESSION: i64 = -1;
    pub const Z_FILTERED: i64 = 1;
    pub const Z_HUFFMAN_ONLY: i64 = 2;
    pub const Z_RLE: i64 = 3;
    pub const Z_FIXED: i64 = 4;
    pub const Z_DEFAULT_STRATEGY: i64 = 0;
    pub const Z_NO_FLUSH: i64 = 0;
    pub const Z_PARTIAL_FLUSH: i64 = 1;
    pub const Z_SYNC_FLUSH: i64 = 2;
    pub const Z_FULL_FLUSH: i64 = 3;
    pub const Z_FINISH: i64 = 4;

    fn deflater(cx: &mut Ctx, level: i64, wbits: i64, strategy: i64, message: Option<&str>) -> R<Deflater> {
        let wrapping = Wrapping::of(cx, wbits, false)?;
        if !(-1..=9).contains(&level) {
            return Err(match message {
                Some(message) => error(cx, message),
                None => cx.value_error("Invalid initialization option"),
            });
        }
        Ok(Deflater::new(level, wrapping, strategy))
    }

    /// Data compressed whole.
    pub fn compress(
        cx: &mut Ctx,
        data: Value,
        #[kw]
        #[default(-1)]
        level: i64,
        #[kw]
        #[default(15)]
        wbits: i64,
    ) -> R {
        let data = View::of(cx, data)?;
        let mut deflater = deflater(cx, level, wbits, 0, Some("Bad compression level"))?;
        let mut out = Vec::new();
        for piece in data.chunks(PIECE) {
            out.extend_from_slice(&deflater.run(piece, MZFlush::None));
            cx.poll()?;
        }
        out.extend_from_slice(&deflater.run(&[], MZFlush::Finish));
        cx.bytes(&out)
    }

    /// The data of a whole stream.
    pub fn decompress(
        cx: &mut Ctx,
        data: Value,
        #[kw]
        #[default(15)]
        wbits: i64,
        #[kw]
        #[default(16384)]
        bufsize: i64,
    ) -> R {
        let _ = bufsize;
        let object = decompressobj(cx, wbits, Value::UNBOUND)?;
        let out = call_method(cx, object, "decompress", &[data])?;
        let done = cx.get_attr_text(object, "eof")?;
        if done == Value::TRUE {
            return Ok(out);
        }
        Err(error(cx, "Error -5 while decompressing data: incomplete or truncated stream"))
    }

    /// An object that compresses data in pieces.
    pub fn compressobj(
        cx: &mut Ctx,
        #[kw]
        #[default(-1)]
        level: i64,
        #[kw]
        #[default(8)]
        method: i64,
        #[kw]
        #[default(15)]
        wbits: i64,
        #[kw]
        #[default(8)]
        #[allow(non_snake_case)]
        memLevel: i64,
        #[kw]
        #[default(0)]
        strategy: i64,
    ) -> R {
        if method != 8 || !(1..=9).contains(&memLevel) {
            return Err(cx.value_error("Invalid initialization option"));
        }
        let deflater = deflater(cx, level, wbits, strategy, None)?;
        let class = class(cx, "Compress", super::compressing::METHODS);
        Ok(cx.new_boxed(class, Some(Box::new(Compressing(Mutex::new(deflater)))), 0).value())
    }

    /// An object that decompresses data in pieces.
    pub fn decompressobj(
        cx: &mut Ctx,
        #[kw]
        #[default(15)]
        wbits: i64,
        #[kw]
        #[default(Value::UNBOUND)]
        zdict: Value,
    ) -> R {
        if !zdict.is_unbound() {
            return Err(cx.error(ClassId::NotImplementedError, "zdict is not supported"));
        }
        let wrapping = Wrapping::of(cx, wbits, true)?;
        let class = class(cx, "Decompress", super::decompressing::METHODS);
        let state = Box::new(Decompressing(Mutex::new(Inflater::new(wrapping))));
        let object = cx.new_boxed(class, Some(state), 2);
        for slot in [UNUSED, UNCONSUMED] {
            let empty = cx.bytes(&[])?;
            object.slots()[slot].set(empty);
        }
        Ok(object.value())
    }

    /// The CRC-32 of data, going on from `value`.
    pub fn crc32(cx: &mut Ctx, data: Value, #[default(0)] value: i64) -> R<i64> {
        crate::data::binascii::functions::crc32(cx, data, value)
    }

    /// The Adler-32 checksum of data, going on from `value`.
    pub fn adler32(cx: &mut Ctx, data: Value, #[default(1)] value: i64) -> R<i64> {
        let data = View::of(cx, data)?;
        let mut sum = adler2::Adler32::from_checksum(value as u32);
        sum.write_slice(&data);
        Ok(sum.checksum().into())
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let base = cx.class(ClassId::Exception).value();
        let bases = cx.tuple(&[base])?;
        let dict = cx.new_dict();
        let home = cx.str("zlib");
        set_text(cx, dict, "__module__", home);
        let meta = cx.class(ClassId::Type).value();
        let title = cx.str("error");
        let class = cx.call(meta, &[title, bases, dict.value()])?;
        remember(cx, "zlib.error", class);
        define(cx, module, "error", class);
        for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
            let version = cx.str("1.3.1");
            define(cx, module, name, version);
        }
        Ok(())
    }
}
