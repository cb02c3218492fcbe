//! The constants and names of one code object, each stored once.

use std::collections::HashMap;

use crate::bytecode::template::Const;

#[derive(Debug, Default)]
pub struct Pool {
    pub consts: Vec<Const>,
    pub names: Vec<Box<str>>,
    const_index: HashMap<Vec<u8>, u32>,
    name_index: HashMap<Box<str>, u32>,
}

impl Pool {
    pub fn name(&mut self, name: &str) -> u32 {
        if let Some(&at) = self.name_index.get(name) {
            return at;
        }
        let at = self.names.len() as u32;
        self.names.push(name.into());
        self.name_index.insert(name.into(), at);
        at
    }

    pub fn constant(&mut self, value: Const) -> u32 {
        let mut key = Vec::new();
        encode(&value, &mut key);
        *self.const_index.entry(key).or_insert_with(|| {
            self.consts.push(value);
            self.consts.len() as u32 - 1
        })
    }
}

/// A key that tells apart what `==` does not: `1`, `1.0` and `True`, `0.0` and `-0.0`.
fn encode(value: &Const, key: &mut Vec<u8>) {
    let mut sized = |tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend((bytes.len() as u64).to_le_bytes());
        key.extend(bytes);
    };
    match value {
        Const::None => sized(0, b""),
        Const::True => sized(1, b""),
        Const::False => sized(2, b""),
        Const::Ellipsis => sized(3, b""),
        Const::Int(i) => sized(4, &i.to_le_bytes()),
        Const::BigInt { radix, digits } => {
            sized(5, &radix.to_le_bytes());
            sized(5, digits.as_bytes());
        }
        Const::Float(x) => sized(6, &x.to_bits().to_le_bytes()),
        Const::Complex(re, im) => {
            sized(7, &re.to_bits().to_le_bytes());
            sized(7, &im.to_bits().to_le_bytes());
        }
        Const::Str(text) => sized(8, text),
        Const::Bytes(bytes) => sized(9, bytes),
        Const::Tuple(items) => {
            sized(10, &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| encode(item, key));
        }
        Const::FrozenSet(items) => {
            sized(11, &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| encode(item, key));
        }
    }
}
