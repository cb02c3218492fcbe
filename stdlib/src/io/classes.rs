//! io: the module and its classes.

use conc_interpreter::native::{Ctx, NativeDef, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::Gc;

use super::{base, bytesio, file, reader, stringio, wrapper, writer};
use crate::core::shared::{define, recall_class, remember};

/// One class: its module and name, its base among these rows, its methods.
struct Row(&'static str, &'static str, &'static str, Vec<&'static [NativeDef]>);

/// The classes, bases first.
fn rows() -> Vec<Row> {
    vec![
        Row("io", "IOBase", "", vec![base::stream_methods::METHODS]),
        Row("io", "RawIOBase", "IOBase", vec![base::raw_methods::METHODS]),
        Row("io", "BufferedIOBase", "IOBase", vec![base::buffered_methods::METHODS]),
        Row("io", "TextIOBase", "IOBase", vec![base::text_methods::METHODS]),
        Row("_io", "FileIO", "RawIOBase", vec![file::methods::METHODS]),
        Row(
            "_io",
            "BufferedReader",
            "BufferedIOBase",
            vec![reader::common::METHODS, reader::reading::METHODS, writer::reader_init::METHODS],
        ),
        Row(
            "_io",
            "BufferedWriter",
            "BufferedIOBase",
            vec![reader::common::METHODS, writer::writing::METHODS, writer::writer_init::METHODS],
        ),
        Row(
            "_io",
            "BufferedRandom",
            "BufferedIOBase",
            vec![
                reader::common::METHODS,
                reader::reading::METHODS,
                writer::writing::METHODS,
                writer::random_init::METHODS,
            ],
        ),
        Row("_io", "BytesIO", "BufferedIOBase", vec![bytesio::methods::METHODS]),
        Row("_io", "TextIOWrapper", "TextIOBase", vec![wrapper::methods::METHODS]),
        Row("_io", "StringIO", "TextIOBase", vec![stringio::methods::METHODS]),
    ]
}

/// Makes the classes once per interpreter.
pub fn make(cx: &mut Ctx) -> R<()> {
    if recall_class(cx, "io.IOBase").is_some() {
        return Ok(());
    }
    for Row(module, name, base, methods) in rows() {
        let base = recall_class(cx, &format!("io.{base}"));
        let class = cx.native_class(module, name, base, &[]);
        for table in methods {
            cx.install_in(class, table);
        }
        remember(cx, &format!("io.{name}"), class.value());
    }
    let unsupported = unsupported_class(cx)?;
    remember(cx, "io.UnsupportedOperation", unsupported.value());
    Ok(())
}

/// `class UnsupportedOperation(OSError, ValueError)`
fn unsupported_class(cx: &mut Ctx) -> R<Gc<Class>> {
    let bases = [cx.class(ClassId::OSError).value(), cx.class(ClassId::ValueError).value()];
    let bases = cx.tuple(&bases)?;
    let bases = cx.collect_tuple(bases)?;
    let namespace = cx.new_dict();
    let module = cx.str("io");
    let key = cx.names().__module__;
    namespace.set_str(cx, key, module);
    let name = cx.intern("UnsupportedOperation");
    let meta = cx.class(ClassId::Type);
    cx.make_class(meta, name, bases, namespace, None)
}

fn fill(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    make(cx)?;
    for Row(_, name, ..) in rows() {
        if let Some(class) = recall_class(cx, &format!("io.{name}")) {
            define(cx, module, name, class.value());
        }
    }
    if let Some(class) = recall_class(cx, "io.UnsupportedOperation") {
        define(cx, module, "UnsupportedOperation", class.value());
    }
    let blocking = cx.class(ClassId::BlockingIOError).value();
    define(cx, module, "BlockingIOError", blocking);
    let builtins = cx.iso().roots.builtins.get();
    if let Some(builtins) = builtins.cast::<conc_interpreter::object::dict::Dict>() {
        let name = cx.intern("open");
        if let Some(open) = builtins.get_str(cx, name) {
            define(cx, module, "open", open);
        }
    }
    let all = cx.new_list();
    for name in ALL {
        let name = cx.str(name);
        cx.list_push(all, name)?;
    }
    define(cx, module, "__all__", all.value());
    Ok(())
}

const ALL: &[&str] = &[
    "BlockingIOError",
    "open",
    "open_code",
    "IOBase",
    "RawIOBase",
    "FileIO",
    "BytesIO",
    "StringIO",
    "BufferedIOBase",
    "BufferedReader",
    "BufferedWriter",
    "BufferedRandom",
    "TextIOBase",
    "TextIOWrapper",
    "UnsupportedOperation",
    "SEEK_SET",
    "SEEK_CUR",
    "SEEK_END",
    "DEFAULT_BUFFER_SIZE",
    "text_encoding",
];

/// Streams: files, and text and bytes in memory.
#[conc_macros::module(name = "io")]
pub mod io {
    use crate::io::open::{Request, open as open_file};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    pub const SEEK_SET: i64 = 0;
    pub const SEEK_CUR: i64 = 1;
    pub const SEEK_END: i64 = 2;
    pub const DEFAULT_BUFFER_SIZE: i64 = 8192;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        super::fill(cx, module)
    }

    /// Open a file to read code from it.
    pub fn open_code(cx: &mut Ctx, #[kw] path: Value) -> R {
        let mode = cx.str("rb");
        open_file(
            cx,
            Request {
                file: path,
                mode,
                buffering: -1,
                encoding: Value::NONE,
                errors: Value::NONE,
                newline: Value::NONE,
                closefd: true,
                opener: Value::NONE,
            },
        )
    }

    /// The encoding to use where a function was given this one: 'locale' for None.
    pub fn text_encoding(cx: &mut Ctx, encoding: Value, #[default(2)] _stacklevel: i64) -> R {
        Ok(if encoding.is_none() { cx.str("locale") } else { encoding })
    }
}
