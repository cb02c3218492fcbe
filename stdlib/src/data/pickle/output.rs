//! Where a pickle is written: bytes, from protocol 4 on in frames.

use super::op;

/// A frame is closed when it holds so much.
const FRAME_SIZE: usize = 64 << 10;
/// A shorter frame is left out.
const FRAME_MIN: usize = 4;
const FRAME_HEAD: usize = 9;

#[derive(Default)]
pub struct Output {
    pub data: Vec<u8>,
    framing: bool,
    /// Where the head of the open frame is.
    frame: Option<usize>,
}

impl Output {
    /// From here on in frames.
    pub fn begin_frames(&mut self) {
        self.framing = true;
    }

    pub fn end_frames(&mut self) {
        self.close_frame();
        self.framing = false;
    }

    pub fn put(&mut self, bytes: &[u8]) {
        if self.framing && self.frame.is_none() {
            self.frame = Some(self.data.len());
            self.data.extend_from_slice(&[0; FRAME_HEAD]);
        }
        self.data.extend_from_slice(bytes);
    }

    pub fn op(&mut self, op: u8) {
        self.put(&[op]);
    }

    /// An opcode with its argument.
    pub fn op_with(&mut self, op: u8, argument: &[u8]) {
        self.op(op);
        self.data.extend_from_slice(argument);
    }

    /// An opcode, a length and so many bytes; many stand outside of frames.
    pub fn op_with_data(&mut self, op: u8, len: &[u8], data: &[u8]) {
        let framing = self.framing;
        if data.len() >= FRAME_SIZE {
            self.end_frames();
        }
        self.op_with(op, len);
        self.data.extend_from_slice(data);
        self.framing = framing;
    }

    /// Between two objects: a full frame ends.
    pub fn boundary(&mut self) {
        if let Some(start) = self.frame
            && self.data.len() - start - FRAME_HEAD >= FRAME_SIZE
        {
            self.close_frame();
        }
    }

    fn close_frame(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let len = self.data.len() - start - FRAME_HEAD;
        if len >= FRAME_MIN {
            self.data[start] = op::FRAME;
            self.data[start + 1..start + FRAME_HEAD].copy_from_slice(&(len as u64).to_le_bytes());
        } else {
            self.data.drain(start..start + FRAME_HEAD);
        }
    }
}
