//! Two OS workers of one interpreter hammer shared objects: nothing may crash, tear or get lost.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::module::Module;
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm;

/// What both workers share, and what each does to it.
const PROGRAM: &str = r#"
class Node:
    total = 0
    def __init__(self, x):
        self.x = x
    def get(self):
        return self.x

shared_list = []
shared_dict = {}
shared_set = set()
nodes = [Node(i) for i in range(32)]
counter = 0
errors = []

def hammer(who, rounds):
    global counter
    for i in range(rounds):
        shared_list.append((who, i))
        if i % 7 == 0:
            shared_list.pop()
        shared_dict[who, i % 50] = [i]
        shared_dict.get((1 - who, i % 50))
        if i % 11 == 0:
            shared_dict.pop((who, i % 50), None)
        shared_set.add(i % 64)
        shared_set.discard((i + 7) % 64)
        n = nodes[i % 32]
        n.x = i
        setattr(n, "a%d" % (i % 20), who)
        if n.get() is None:
            errors.append(i)
        Node.total = i
        counter = i
        words = [str(k) for k in range(10)]
        if ",".join(words) != "0,1,2,3,4,5,6,7,8,9":
            errors.append(words)
        if i % 100 == 0:
            for k in list(shared_dict):
                pass
            sorted(shared_set)
            len(shared_list)
            try:
                for item in shared_dict.values():
                    if not isinstance(item, list):
                        errors.append(item)
            except RuntimeError:
                pass
        if i % 500 == 0:
            def made(x, y=who):
                return x + y
            made(i)
            setattr(Node, "method%d" % (i % 3), made)
"#;

/// Operations that read a length or a position and then act there: each counts what it did to containers whose
/// content is then accounted for.
const POSITIONS: &str = r#"
from collections import deque

moved = [("start", i) for i in range(64)]
taken = [[], []]
ring = deque(("start", i) for i in range(64))
ring_taken = [[], []]
data = bytearray(range(64)) * 2
data_taken = [0, 0]
data_put = [0, 0]

def remove(item):
    # The other worker may have taken it.
    try:
        moved.remove(item)
        return True
    except ValueError:
        return False

def positions(who, rounds):
    mine, ring_mine = taken[who], ring_taken[who]
    for i in range(rounds):
        item = (who, i)
        moved.insert(i % 40 - 20, item)
        if i % 3 == 0 and remove(item):
            moved.append(item)
        try:
            mine.append(moved.pop(i % 30 - 10))
        except IndexError:
            pass
        if i % 5 == 0:
            moved.reverse()
        if i % 16 == 0:
            moved.extend({(who, i, k): k for k in range(3)})
            for k in range(3):
                remove((who, i, k))
        if i % 9 == 0:
            moved[2:2] = [(who, i, "slice")]
            remove((who, i, "slice"))
        ring.insert(i % 40 - 20, item)
        ring.rotate(i % 7 - 3)
        try:
            ring_mine.append(ring.pop() if i % 2 else ring.popleft())
        except IndexError:
            pass
        data.insert(i % 40 - 20, i & 255)
        data_put[who] += i & 255
        data_taken[who] += data.pop(i % 30 - 10)
        if i % 4 == 0:
            data.append(7)
            data_put[who] += 7
            try:
                data.remove(7)
                data_taken[who] += 7
            except ValueError:
                pass
"#;

fn run(cx: &mut Ctx, source: &str) -> R {
    let text = cx.str(source);
    let code = (cx.iso().machine.compile)(cx, text, "<stress>", "exec", 0)?;
    let main = cx.iso().roots.main_thread.get();
    let Some(module) = main.cast::<Module>() else { return Ok(Value::NONE) };
    let dict: Gc<_> = module.dict();
    (cx.iso().machine.exec)(cx, code, dict, Value::UNBOUND)
}

fn expect(cx: &mut Ctx, result: R) -> Value {
    match result {
        Ok(v) => v,
        Err(e) => panic!("{}", cx.format_exception(e.0)),
    }
}

/// Runs `program`, then `call(who, rounds)` on two workers at once, then `check`.
fn on_two_workers(program: &str, call: &'static str, rounds: usize, check: &str) {
    let Ok(mut cx) = vm::new_interpreter(conc_stdlib::library()) else { panic!("no interpreter") };
    let defined = run(&mut cx, program);
    expect(&mut cx, defined);
    let Ok(worker) = vm::new_worker(&mut cx) else { panic!("no second worker") };
    let second = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        let Ok(mut cx) = worker.enter() else { panic!("the worker cannot start") };
        let result = run(&mut cx, &format!("{call}(1, {rounds})"));
        expect(&mut cx, result);
    });
    let Ok(second) = second else { panic!("no thread") };
    let result = run(&mut cx, &format!("{call}(0, {rounds})"));
    expect(&mut cx, result);
    // Joining blocks: the other worker must be able to collect meanwhile.
    let ended = cx.blocking(|| second.join());
    assert!(ended.is_ok(), "the second worker failed");
    let checked = run(&mut cx, check);
    expect(&mut cx, checked);
}

fn rounds() -> usize {
    std::env::var("CONC_STRESS_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(20_000)
}

#[test]
fn two_workers_share_everything() {
    let rounds = rounds();
    let popped = rounds.div_ceil(7);
    let check = format!(
        "assert not errors, errors[:5]\n\
         assert len(shared_list) == 2 * ({rounds} - {popped}), len(shared_list)\n\
         assert len(shared_set) == sum(1 for k in shared_set)\n\
         assert len(shared_dict) == len(list(shared_dict)) <= 100\n"
    );
    on_two_workers(PROGRAM, "hammer", rounds, &check);
}

#[test]
fn positions_and_what_is_done_there_belong_together() {
    let rounds = rounds();
    let check = format!(
        "def account(rest, taken, what):\n\
         \x20   found = [item for item in [*rest, *taken[0], *taken[1]] if len(item) == 2]\n\
         \x20   made = {{('start', i) for i in range(64)}} | {{(w, i) for w in (0, 1) for i in range({rounds})}}\n\
         \x20   assert len(found) == len(set(found)), (what, 'twice', len(found) - len(set(found)))\n\
         \x20   assert set(found) == made, (what, 'lost', len(made - set(found)))\n\
         account(moved, taken, 'list')\n\
         account(ring, ring_taken, 'deque')\n\
         total = sum(range(64)) * 2 + sum(data_put) - sum(data_taken)\n\
         assert sum(data) == total, ('bytearray', sum(data), total)\n"
    );
    on_two_workers(POSITIONS, "positions", rounds, &check);
}
