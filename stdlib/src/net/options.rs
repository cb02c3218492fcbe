//! Options of sockets: ints or raw bytes.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::value::Value;
use rustix::io::Errno;

use crate::os::errors;

/// Bytes of an option that may be asked for at most.
const MOST: i64 = 1024;

fn number(cx: &mut Ctx, v: i64) -> R<i32> {
    match i32::try_from(v) {
        Ok(v) => Ok(v),
        Err(_) => Err(cx.overflow_error("Python int too large to convert to C int")),
    }
}

/// The option's value: an int, or with a buffer's length bytes.
pub fn get(cx: &mut Ctx, fd: i32, level: i64, name: i64, len: i64) -> R {
    let (level, name) = (number(cx, level)?, number(cx, name)?);
    if !(0..=MOST).contains(&len) {
        return Err(cx.error(conc_interpreter::object::kind::ClassId::OSError, "getsockopt buflen out of range"));
    }
    let size = if len == 0 { 4 } else { len as usize };
    let data =
        descriptor::socket_option(fd, level, name, size).map_err(|e| errors::raise(cx, Errno::from_raw_os_error(e)))?;
    if len != 0 {
        return cx.bytes(&data);
    }
    let mut word = [0; 4];
    word[..data.len()].copy_from_slice(&data);
    Ok(Value::small_int(i32::from_ne_bytes(word).into()))
}

/// Sets an option to an int, to bytes, or to nothing of a length.
pub fn set(cx: &mut Ctx, fd: i32, level: i64, name: i64, value: Value, len: Option<i64>) -> R<()> {
    let (level, name) = (number(cx, level)?, number(cx, name)?);
    let result = if value.is_none() {
        let Some(len) = len else {
            return Err(cx.type_error("a bytes-like object is required, not 'NoneType'"));
        };
        descriptor::set_socket_option(fd, level, name, None, len.clamp(0, MOST) as usize)
    } else if cx.is_int(value) {
        let value = cx.index_i64(value)?;
        let value = number(cx, value)?;
        descriptor::set_socket_option(fd, level, name, Some(&value.to_ne_bytes()), 0)
    } else {
        let data = cx.byte_vec(value)?;
        descriptor::set_socket_option(fd, level, name, Some(&data), 0)
    };
    result.map_err(|e| errors::raise(cx, Errno::from_raw_os_error(e)))
}
