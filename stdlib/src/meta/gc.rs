//! gc: the collector.

/// Control over the collection of objects that nothing refers to any more.
#[conc_macros::module(name = "gc")]
pub mod functions {
    use std::sync::atomic::{AtomicI64, Ordering};

    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::Kind;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::List;
    use conc_interpreter::value::{Gc, Value};

    pub const DEBUG_STATS: i64 = 1;
    pub const DEBUG_COLLECTABLE: i64 = 2;
    pub const DEBUG_UNCOLLECTABLE: i64 = 4;
    pub const DEBUG_SAVEALL: i64 = 32;
    pub const DEBUG_LEAK: i64 = 38;

    // What scripts set and read back; the collector decides by itself when to run.
    static DEBUG: AtomicI64 = AtomicI64::new(0);
    static THRESHOLDS: [AtomicI64; 3] = [AtomicI64::new(2000), AtomicI64::new(10), AtomicI64::new(0)];
    static COLLECTIONS: AtomicI64 = AtomicI64::new(0);

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for name in ["garbage", "callbacks"] {
            let list = cx.new_list().value();
            crate::core::shared::define(cx, module, name, list);
        }
        Ok(())
    }

    /// Collect what nothing refers to any more.
    pub fn collect(
        cx: &mut Ctx,
        #[kw]
        #[default(2)]
        generation: i64,
    ) -> R<i64> {
        if !(0..=2).contains(&generation) {
            return Err(cx.value_error("invalid generation"));
        }
        cx.collect_exactly();
        cx.run_finalizers();
        COLLECTIONS.fetch_add(1, Ordering::Relaxed);
        Ok(0)
    }

    /// Let the collector run by itself.
    pub fn enable(cx: &mut Ctx) {
        cx.iso().gc_enabled.store(true, Ordering::Relaxed);
    }

    /// Keep the collector from running by itself.
    pub fn disable(cx: &mut Ctx) {
        cx.iso().gc_enabled.store(false, Ordering::Relaxed);
    }

    /// Tell whether the collector runs by itself.
    pub fn isenabled(cx: &mut Ctx) -> bool {
        cx.iso().gc_enabled.load(Ordering::Relaxed)
    }

    /// Give three counts of what has happened since the last collections.
    pub fn get_count(cx: &mut Ctx) -> R {
        let zero = cx.int(0);
        cx.tuple(&[zero, zero, zero])
    }

    /// Give the three thresholds at which collections start.
    pub fn get_threshold(cx: &mut Ctx) -> R {
        let values: Vec<Value> = THRESHOLDS.iter().map(|t| t.load(Ordering::Relaxed)).map(|t| cx.int(t)).collect();
        cx.tuple(&values)
    }

    /// Set the collection thresholds; zero for the first turns automatic collection off.
    pub fn set_threshold(cx: &mut Ctx, threshold0: i64, threshold1: Option<i64>, threshold2: Option<i64>) {
        THRESHOLDS[0].store(threshold0, Ordering::Relaxed);
        for (place, value) in THRESHOLDS[1..].iter().zip([threshold1, threshold2]) {
            if let Some(value) = value {
                place.store(value, Ordering::Relaxed);
            }
        }
        cx.iso().gc_enabled.store(threshold0 != 0, Ordering::Relaxed);
    }

    /// Choose what the collector reports.
    pub fn set_debug(_cx: &mut Ctx, flags: i64) {
        DEBUG.store(flags, Ordering::Relaxed);
    }

    /// Tell what the collector reports.
    pub fn get_debug(_cx: &mut Ctx) -> i64 {
        DEBUG.load(Ordering::Relaxed)
    }

    /// Give a dictionary of counts for each generation.
    pub fn get_stats(cx: &mut Ctx) -> R<Gc<List>> {
        let list = cx.new_list();
        for generation in 0..3 {
            let stats = cx.new_dict();
            let runs = if generation == 2 { COLLECTIONS.load(Ordering::Relaxed) } else { 0 };
            for (name, n) in [("collections", runs), ("collected", 0), ("uncollectable", 0)] {
                let n = cx.int(n);
                crate::core::shared::set_text(cx, stats, name, n);
            }
            cx.list_push(list, stats.value())?;
        }
        Ok(list)
    }

    /// Leave everything that exists now out of later collections.
    pub fn freeze(_cx: &mut Ctx) {}

    /// Let later collections look at everything again.
    pub fn unfreeze(_cx: &mut Ctx) {}

    /// Count the objects left out of collections.
    pub fn get_freeze_count(_cx: &mut Ctx) -> i64 {
        0
    }

    /// Tell whether the collector looks at the object.
    pub fn is_tracked(_cx: &mut Ctx, obj: Value) -> bool {
        !matches!(
            Kind::of(obj.kind_byte()),
            Kind::None
                | Kind::Float
                | Kind::BigInt
                | Kind::Complex
                | Kind::Str
                | Kind::Bytes
                | Kind::ByteArray
                | Kind::Range
        ) && obj.header().is_some()
    }

    /// Tell whether the object's `__del__` has run.
    pub fn is_finalized(_cx: &mut Ctx, _obj: Value) -> bool {
        false
    }
}
