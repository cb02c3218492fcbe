//! Where a pickle is read from: bytes, or a file of any kind, of which no more is read than belongs to the pickle.

use std::ops::Range;

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::string::Bytes;
use conc_interpreter::value::Value;

/// At most so many bytes are asked for at once, whatever a pickle says it holds.
const PIECE: usize = 1 << 20;

pub struct Input {
    data: Vec<u8>,
    at: usize,
    /// `read` and `readline`.
    file: Option<(Value, Value)>,
}

impl Input {
    pub fn memory(data: Vec<u8>) -> Input {
        Input { data, at: 0, file: None }
    }

    pub fn file(read: Value, readline: Value) -> Input {
        Input { data: Vec::new(), at: 0, file: Some((read, readline)) }
    }

    /// The next opcode.
    pub fn op(&mut self, cx: &mut Ctx) -> R<u8> {
        if self.at == self.data.len() && !self.fill(cx, 1)? {
            return Err(cx.error(ClassId::EOFError, "Ran out of input"));
        }
        self.at += 1;
        Ok(self.data[self.at - 1])
    }

    pub fn take(&mut self, cx: &mut Ctx, len: usize) -> R<&[u8]> {
        let range = self.range(cx, len)?;
        Ok(&self.data[range])
    }

    fn range(&mut self, cx: &mut Ctx, len: usize) -> R<Range<usize>> {
        if self.data.len() - self.at < len && !self.fill(cx, len)? {
            return Err(truncated(cx));
        }
        self.at += len;
        Ok(self.at - len..self.at)
    }

    pub fn array<const N: usize>(&mut self, cx: &mut Ctx) -> R<[u8; N]> {
        let range = self.range(cx, N)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.data[range]);
        Ok(array)
    }

    /// A frame begins: all of it is wanted.
    pub fn frame(&mut self, cx: &mut Ctx, len: u64) -> R<()> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if self.data.len() - self.at < len && !self.fill(cx, len)? {
            return Err(truncated(cx));
        }
        Ok(())
    }

    /// A line, without its end.
    pub fn line(&mut self, cx: &mut Ctx) -> R<Vec<u8>> {
        let rest = &self.data[self.at..];
        if let Some(len) = rest.iter().position(|&b| b == b'\n') {
            let line = rest[..len].to_vec();
            self.at += len + 1;
            return Ok(line);
        }
        let mut line = rest.to_vec();
        self.at = self.data.len();
        if let Some((_, readline)) = self.file {
            let more = cx.call(readline, &[])?;
            line.extend_from_slice(&answer(cx, more, "readline")?);
        }
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(truncated(cx)),
        }
    }

    /// Reads on until `len` bytes are there; false: the file ends before.
    fn fill(&mut self, cx: &mut Ctx, len: usize) -> R<bool> {
        let Some((read, _)) = self.file else { return Ok(false) };
        self.data.drain(..self.at);
        self.at = 0;
        while self.data.len() < len {
            let missing = (len - self.data.len()).min(PIECE);
            let more = cx.call(read, &[Value::small_int(missing as i64)])?;
            let more = answer(cx, more, "read")?;
            if more.is_empty() {
                return Ok(false);
            }
            self.data.extend_from_slice(&more);
        }
        Ok(true)
    }
}

fn answer(cx: &mut Ctx, v: Value, method: &str) -> R<Vec<u8>> {
    match v.cast::<Bytes>() {
        Some(bytes) => Ok(bytes.as_bytes().to_vec()),
        None => {
            let got = cx.type_name(v);
            Err(cx.value_error(format!("{method}() from the underlying stream did not return bytes but '{got}'")))
        }
    }
}

#[cold]
fn truncated(cx: &mut Ctx) -> Raised {
    super::load::error(cx, "pickle data was truncated")
}
