#!/usr/bin/env python3.13
"""Random small programs, run on CPython 3.13 and on a `conc` command; differences are printed with their seeds.

    python3.13 tests/generate/differential.py target/release/conc              200 programs, seeds from the clock
    python3.13 tests/generate/differential.py target/release/conc --seed 7     one program again, with its text
    python3.13 tests/generate/differential.py python3.13 --count 20            the generator checked against itself

A program is a list of probes. Each probe prints a value or the name and text of the error it raised, so that one
failing probe does not hide the others.
"""
import argparse
import difflib
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HEAD = '''\
def show(label, probe):
    try:
        value = probe()
        print(label, type(value).__name__, repr(value)[:300])
    except RecursionError:
        print(label, "RecursionError")
    except Exception as error:
        print(label, type(error).__name__, str(error)[:300])

'''


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []
        self.fresh = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def name(self, stem):
        self.fresh += 1
        return f"{stem}{self.fresh}"

    # -- expressions ---------------------------------------------------------------------------------------------

    def integer(self):
        r = self.random
        return self.pick(r.randint(-9, 9), r.randint(-300, 300), self.pick(1, -1) * (2 ** r.choice((53, 61, 62, 63, 64, 90)) + r.randint(-2, 2)))

    def number(self):
        r = self.random
        return self.pick(*[lambda: f"({self.integer()})"] * 4, lambda: repr(self.pick(0.5, -1.5, 1e16, 0.1, 2.0, -0.0, 1e-5, 123456.789)), lambda: self.pick("True", "False"), lambda: f"({r.randint(-5, 5)} + {r.randint(0, 4)}j)" if r.random() < 0.2 else "7")()

    def text(self):
        r = self.random
        return repr("".join(r.choice(["a", "b", "B", "1", " ", "é", "ß", "日", "😀", "\n", "%", "{", "x"]) for _ in range(r.randint(0, 7))))

    def sequence(self, depth):
        items = ", ".join(self.expression(depth - 1) for _ in range(self.random.randint(0, 4)))
        return self.pick(f"[{items}]", f"({items},)" if items else "()", f"list(({items},))" if items else "[]")

    def mapping(self, depth):
        pairs = ", ".join(f"{self.pick(self.text(), str(self.integer()))}: {self.expression(depth - 1)}" for _ in range(self.random.randint(0, 3)))
        return "{" + pairs + "}"

    def slice(self):
        part = lambda: self.pick("", "", str(self.random.randint(-4, 6)))
        return f"{part()}:{part()}" + self.pick("", f":{self.pick(-2, -1, 1, 2, 3)}")

    def atom(self):
        known = [lambda: self.random.choice(self.names)] * 3 if self.names else []
        return self.pick(*known, self.number, self.number, self.text, lambda: "None")()

    def expression(self, depth):
        if depth <= 0:
            return self.atom()
        e = lambda: self.expression(depth - 1)
        r = self.random

        def binary():
            operator = self.pick("+", "-", "*", "/", "//", "%", "&", "|", "^", "<", "<=", "==", "!=", ">", ">=", "and", "or", "in", "is not")
            return f"({e()} {operator} {e()})"

        def shifted():
            return f"({e()} {self.pick('<<', '>>', '**')} {r.randint(-2, 12)})"

        def comprehension():
            x = self.name("v")
            self.names.append(x)
            body, test = self.expression(depth - 1), self.expression(depth - 2)
            self.names.remove(x)
            source = self.pick(f"range({r.randint(0, 6)})", self.sequence(1), self.text())
            condition = self.pick("", f" if {test}")
            return self.pick(f"[{body} for {x} in {source}{condition}]", f"{{{x}: {body} for {x} in {source}{condition}}}", f"list({body} for {x} in {source}{condition})", f"[*map(lambda {x}: {body}, {source})]")

        def call():
            f = self.pick("len", "repr", "str", "int", "float", "abs", "bool", "list", "tuple", "sum", "max", "min", "sorted", "hash", "round", "bin", "hex", "ascii", "any", "all", "type", "ord", "chr", "sorted", "complex", "iter")
            if f in ("hash", "iter"):
                return f"isinstance({f}({self.number()} if {f!r} == 'hash' else {e()}), object)"
            return f"{f}({e()})"

        def method():
            m = self.pick("upper()", "lower()", "title()", "swapcase()", "strip()", "split()", f"split({self.text()})", f"replace({self.text()}, {self.text()})", f"find({self.text()})", f"count({self.text()})", "isalnum()", "isdigit()", f"center({r.randint(0, 12)}, '*')", f"zfill({r.randint(0, 9)})", "encode()", f"partition({self.text()})", f"startswith({self.text()})", "splitlines()", "casefold()", f"rjust({r.randint(0, 12)})", f"join([{self.text()}, {self.text()}])", f"expandtabs({r.randint(0, 5)})", f"removeprefix({self.text()})")
            return f"{self.text()}.{m}"

        def formatted():
            spec = self.pick("", "d", "x", "b", "o", "e", "f", "g", "%", ",", "_", "s", "n", "c") if r.random() < 0.6 else self.pick("", "<", ">", "^", "=", "*^") + self.pick("", "+", " ") + self.pick("", "#") + self.pick("", "0") + str(r.randint(1, 14)) + self.pick("", ".2", ".0") + self.pick("", "d", "f", "x", "s", "g")
            return self.pick(f"format({e()}, {spec!r})", f"f\"{{{self.number()}:{spec}}}\"", f"'%{self.pick('d', 's', 'r', 'x', '5d', '-5s|', '.2f', 'e', 'c', '+d', '05d')}' % ({e()},)", f"'{{!r:>8}}|{{}}'.format({e()}, {e()})")

        return self.pick(binary, binary, binary, shifted, comprehension, call, call, method, formatted,
                         lambda: self.sequence(depth), lambda: self.mapping(depth), lambda: f"{self.pick(self.sequence(depth), self.text())}[{self.slice()}]",
                         lambda: f"{self.sequence(depth)}[{r.randint(-4, 4)}]", lambda: f"({e()} if {e()} else {e()})", lambda: f"({self.pick('-', '+', '~', 'not ')}{e()})",
                         lambda: f"(lambda a, b={e()}: (a, b))({e()})", lambda: f"divmod({self.number()}, {self.number()})", lambda: f"({e()} < {e()} <= {e()})",
                         lambda: f"{{{self.integer()}, {self.integer()}, {r.randint(0, 20)}, {r.randint(0, 20)}}}", lambda: f"{self.mapping(depth)}.get({self.text()}, {e()})")()

    # -- statements ----------------------------------------------------------------------------------------------

    def block(self, depth, indent, inside):
        lines = [line for _ in range(self.random.randint(1, 3)) for line in self.statement(depth, inside)]
        return [indent + line for line in lines]

    def statement(self, depth, inside):
        """Lines of one statement of a function's body that collects what happens in `out`."""
        e = lambda: self.expression(1)
        if depth <= 0:
            return [f"out.append({e()})"]
        b = lambda indent="    ": self.block(depth - 1, indent, inside)
        x = self.name("v")

        def loop():
            self.names.append(x)
            body = b()
            self.names.remove(x)
            return [f"for {x} in {self.pick(f'range({self.random.randint(0, 5)})', self.sequence(1), self.text())}:", *body, *self.pick([], [f"    if len(out) > {self.random.randint(3, 20)}: break"]), *self.pick([], ["else:", "    out.append('else')"])]

        def trying():
            kind = self.pick("Exception", "ValueError", "(TypeError, ZeroDivisionError)", "ArithmeticError", "LookupError")
            return ["try:", *b(), f"except {kind} as error:", "    out.append((type(error).__name__, str(error)))", *self.pick([], ["else:", *b()]), *self.pick([], ["finally:", "    out.append('finally')"])]

        choices = [loop, trying, trying,
                   lambda: [f"if {e()}:", *b(), *self.pick([], ["else:", *b()])],
                   lambda: [f"out.append({e()})"],
                   lambda: [f"out {self.pick('+=', '+=', '*=')} {self.pick('[1]', '(2, 3)', '2', self.text())}", "del out[20:]"],
                   lambda: [f"{x}, *rest = {self.sequence(1)}", f"out.append(({x}, rest))"],
                   lambda: ["with Manager(out):", *b()],
                   lambda: [f"raise {self.pick('ValueError', 'KeyError', 'IndexError')}({e()})"] if self.random.random() < 0.3 else ["pass"]]
        if inside == "generator":
            choices += [lambda: [f"out.append((yield {e()}))"], lambda: [f"yield from {self.sequence(1)}"]]
        if inside == "function":
            choices += [lambda: [f"if len(out) > {self.random.randint(1, 6)}: return {e()}"]]
        return self.pick(*choices)()

    # -- parts of a program --------------------------------------------------------------------------------------

    def probe(self):
        if self.random.random() < 0.15:
            name = self.name("g")
            value = self.pick(self.number(), self.text(), self.sequence(1))
            self.names.append(name)
            return [f"{name} = {value}"]
        return [f"show({self.name('p')!r}, lambda: {self.expression(self.random.randint(1, 3))})"]

    def function(self):
        f = self.name("f")
        return [f"def {f}(out):", *self.block(3, "    ", "function"), "    return out", f"show({f!r}, lambda: {f}([]))"]

    def generator(self):
        f, x = self.name("gen"), self.integer()
        return [f"def {f}(out):", "    yield 'start'", *self.block(3, "    ", "generator"), "    return out",
                f"def drive_{f}():", f"    out = []; it = {f}(out); seen = [next(it)]", "    for _ in range(12):",
                f"        try: seen.append(it.send({x}))", "        except StopIteration as stop: seen.append(('stop', stop.value)); break",
                "        except Exception as error: seen.append(repr(error)); break", "    it.close()", "    return seen", f"show({f!r}, drive_{f})"]

    def klass(self):
        c, r = self.name("C"), self.random
        methods = [f"    def __{self.pick('add', 'radd', 'sub', 'mul', 'rmul', 'lt', 'eq', 'contains', 'floordiv')}__(self, o): return {self.pick('self.v, o', 'o', 'NotImplemented', 'self', 'bool(self.v)')}" for _ in range(r.randint(1, 4))]
        methods += self.pick([], ["    def __len__(self): return 3"], ["    def __bool__(self): return False"], ["    def __getitem__(self, i): return [7, 8, 9][i]"], ["    def __iter__(self): return iter([1, 2, self.v])"], ["    __hash__ = None"])
        base = self.pick("", "(int)", "(list)", "(str)", "(dict)", "(Base)", "(Base)")
        make = {"(int)": "5", "(list)": "[1, 2]", "(str)": "'ab'", "(dict)": "{'k': 1}"}.get(base, "")
        probes = [f"show('{c}.{i}', lambda: {self.pick(f'x + {self.atom()}', f'{self.atom()} + x', f'x * 2', f'3 * x', f'x == {self.atom()}', f'x < x', f'x[0]', f'1 in x', 'len(x)', 'bool(x)', '[*x]', f'{self.atom()} - x', 'x // 2', '-x', 'x.v', 'x.missing', 'isinstance(hash(x), int)', 'sorted([x, x]) == [x, x]', 'str(x) == repr(x)', 'x != x')})" for i in range(5)]
        return [f"class {c}{base}:", f"    v = {self.atom()}", *methods, "    def __repr__(self): return 'obj'", f"x = {c}({make})", *probes]

    def program(self):
        lines = ["class Base:", "    def __init__(self, *a): self.v = 'base'", "    def __radd__(self, o): return ('Base.radd', o)", "    def __eq__(self, o): return 'Base.eq'", "class Manager:", "    def __init__(self, out): self.out = out", "    def __enter__(self): self.out.append('enter')",
                 "    def __exit__(self, kind, error, tb): self.out.append(('exit', kind and kind.__name__)); return kind is KeyError", ""]
        for _ in range(self.random.randint(15, 30)):
            lines += self.pick(self.probe, self.probe, self.probe, self.probe, self.function, self.generator, self.klass)()
        return HEAD + "\n".join(lines) + "\n"


def outcome(command, path):
    try:
        done = subprocess.run([*command, str(path)], capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return ["timed out"]
    lines = [*done.stdout.decode("utf-8", "replace").splitlines(), f"exit code {done.returncode}"]
    if done.returncode:  # the error; without one standard error holds only the compiler's warnings
        lines += done.stderr.decode("utf-8", "replace").splitlines()[-1:]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("conc")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, help="run this one program and print it")
    parser.add_argument("--python", default=sys.executable, help="the CPython 3.13 to compare with")
    options = parser.parse_args()
    start = time.time_ns() // 1000 % 10**9
    seeds = [options.seed] if options.seed is not None else range(start, start + options.count)
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            path = pathlib.Path(folder) / "program.py"
            source = Generator(seed).program()
            path.write_text(source, "utf-8")
            expected, actual = outcome([options.python, "-X", "utf8", "-W", "ignore"], path), outcome([options.conc], path)
            if options.seed is not None:
                print(source)
            if expected != actual:
                different += 1
                print(f"seed {seed} differs:")
                print("\n".join(list(difflib.unified_diff(expected, actual, "CPython", "conc", lineterm="", n=0))[2:14]))
    print(f"{len(seeds)} programs, {different} differ (seeds {seeds[0]} to {seeds[-1]})")
    sys.exit(1 if different else 0)


main()
