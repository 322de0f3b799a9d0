"""Values pickled by Python for the round-trip test, and the judge of what comes back.

    python_values.py make DIR    writes pickles.bin and index.json into DIR
    python_values.py check DIR   compares pickles.bin with returned.bin; prints what differs
    python_values.py corpus FILE writes some of the small ones, as JSON, for the unit tests

Runs on Python 3.7 and newer, with the standard library only.
"""

import array
import base64
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import itertools
import json
import logging
import math
import operator
import os
import pathlib
import pickle
import pickletools
import random
import re
import string
import struct
import sys
import threading
import time
import types
import typing
import uuid

# --- classes ----------------------------------------------------------------------------------


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        return self


class Outer:
    class Inner(Plain):
        class Innermost(Plain):
            pass

    @staticmethod
    def static():
        pass

    @classmethod
    def made(cls):
        pass


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class SlotsAndDict(Slots):
    pass


class OneSlotUnset:
    __slots__ = ("a", "unset")

    def __init__(self, a):
        self.a = a


class State:
    def __init__(self, value):
        self.value = value

    def __getstate__(self):
        return {"kept": self.value}

    def __setstate__(self, state):
        self.value = state["kept"]


class TupleState(State):
    def __getstate__(self):
        return (self.value, 1, "two")

    def __setstate__(self, state):
        self.value = state[0]


class ScalarState(State):
    def __getstate__(self):
        return 17

    def __setstate__(self, state):
        self.value = state


class FalsyState(State):
    def __getstate__(self):
        return []

    def __setstate__(self, state):
        self.value = ("set", state)


class Reduce:
    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return type(self), self.args


class ReduceEx(Reduce):
    def __reduce_ex__(self, protocol):
        return type(self), (*self.args, "extra"), {"protocol": 2}


def make_reduce(*args):
    return Reduce(*args)


class ReduceByFunction(Reduce):
    def __reduce__(self):
        return make_reduce, self.args


class ReduceToName:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


SINGLETON = ReduceToName("SINGLETON")


class ReduceItems:
    """Gets list items, dict items and a state through `__reduce__`."""

    def __init__(self):
        self.items, self.entries, self.state, self.log = [], {}, None, []

    def append(self, item):
        self.items.append(item)
        self.log.append("append")

    def extend(self, items):
        self.items.extend(items)
        self.log.append("extend %d" % len(items))

    def __setitem__(self, key, value):
        self.entries[key] = value
        self.log.append("set")

    def __setstate__(self, state):
        self.state = state
        self.log.append("state")

    def __reduce__(self):
        return ReduceItems, (), self.state, iter(self.items), iter(self.entries.items())


def reduce_items(items, entries, state):
    it = ReduceItems()
    it.items, it.entries, it.state = items, entries, state
    return it


def set_state(target, state):
    target.__dict__.update(state)
    target.set_by = "set_state"


class StateSetter(Plain):
    def __reduce__(self):
        state = {k: v for k, v in self.__dict__.items() if k != "set_by"}
        return StateSetter, (), state, None, None, set_state


class SetterTwice(Plain):
    """Its setter has the shape (object, state) and is the callable of the state as well."""

    def __reduce__(self):
        return set_and_return, (Plain(label=1), {}), {"x": self.x}, None, None, set_and_return


def set_and_return(target, state):
    if state:
        target.__dict__.update(state)
    return target


class NewArgs(tuple):
    def __new__(cls, first, second):
        return super().__new__(cls, (first, second))

    def __getnewargs__(self):
        return tuple(self)


class NewArgsEx:
    def __new__(cls, first, *, keyword):
        self = super().__new__(cls)
        self.made_with = (first, keyword)
        return self

    def __getnewargs_ex__(self):
        return (self.made_with[0],), {"keyword": self.made_with[1]}


class CyclicReduce:
    """Contains itself in the arguments it is made with."""

    def __init__(self, box):
        self.box = box

    def __reduce__(self):
        return CyclicReduce, (self.box,)


class CyclicReduce2(CyclicReduce):
    def __init__(self, other, box):
        self.other, self.box = other, box

    def __reduce__(self):
        return CyclicReduce2, (self.other, self.box)


class CyclicNewArgs:
    def __new__(cls, box=None):
        self = super().__new__(cls)
        return self

    def __init__(self, box):
        self.box = box

    def __getnewargs__(self):
        return (self.box,)


class CyclicNewArgsEx(CyclicNewArgs):
    def __getnewargs_ex__(self):
        return (), {"box": self.box}


def subclass(base, name):
    cls = type(name, (base,), {"__module__": __name__})
    globals()[name] = cls
    return cls


INT, STR, FLOAT, BYTES, BYTEARRAY = (
    subclass(base, base.__name__.title() + "Sub") for base in (int, str, float, bytes, bytearray)
)
LIST, TUPLE, DICT, SET, FROZENSET, COMPLEX = (
    subclass(base, base.__name__.title() + "Sub")
    for base in (list, tuple, dict, set, frozenset, complex)
)
ORDERED, DEFAULT, DEQUE, COUNTER = (
    subclass(base, base.__name__.title() + "Sub")
    for base in (
        collections.OrderedDict, collections.defaultdict, collections.deque, collections.Counter
    )
)


def with_attributes(value, **attributes):
    value.__dict__.update(attributes)
    return value


@dataclasses.dataclass
class Data:
    number: int
    name: str = "x"
    items: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class FrozenData:
    number: int
    other: typing.Any = None


if sys.version_info >= (3, 10):

    @dataclasses.dataclass(slots=True, frozen=True)
    class SlotData:
        number: int
        other: typing.Any = None


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Permission(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class IntPermission(enum.IntFlag):
    READ = 1
    WRITE = 2


class StrEnum(str, enum.Enum):
    A = "a"


Point = collections.namedtuple("Point", "x y")
NoFields = collections.namedtuple("NoFields", "")


class TypedPoint(typing.NamedTuple):
    x: int
    y: "typing.Any" = None


class PointSub(Point):
    pass


class CustomError(Exception):
    def __init__(self, code, *rest):
        super().__init__(code, *rest)
        self.code = code


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    def __init__(self):
        self.x = 1


class UserDictSub(collections.UserDict):
    pass


class UtcPlus(datetime.tzinfo):
    def __init__(self, hours=1):
        self.hours = hours

    def utcoffset(self, when):
        return datetime.timedelta(hours=self.hours)

    def dst(self, when):
        return None

    def tzname(self, when):
        return "plus"


class Array:
    """Pickles in the way numpy's arrays do."""

    def __setstate__(self, state):
        self.version, self.shape, self.dtype, self.fortran, self.data = state

    def __reduce__(self):
        state = (1, self.shape, self.dtype, self.fortran, self.data)
        return _reconstruct, (Array, (0,), b"b"), state


class DType:
    def __init__(self, code="f8", align=False, copy=True):
        self.code = code

    def __setstate__(self, state):
        self.state = state

    def __reduce__(self):
        return DType, (self.code, False, True), (3, "<", None, None, None, -1, -1, 0)


def _reconstruct(subtype, shape, dtype):
    return subtype.__new__(subtype)


def an_array(size, dtype=None):
    it = Array()
    dtype = dtype or DType("f8")
    it.__setstate__((1, (size,), dtype, False, struct.pack("<%dd" % size, *range(size))))
    return it


class Évènement(Plain):
    """Its name is not ASCII."""


def function():
    def nested():
        pass

    return nested


class Registered(Plain):
    pass


copyreg.pickle(Registered, lambda it: (make_registered, (it.label,), {"more": it.more}))


def make_registered(label):
    return Registered(label=label)


# --- values -----------------------------------------------------------------------------------


def values():
    """Yields (name, value)."""
    for name in dir(Values):
        if not name.startswith("_"):
            for label, value in getattr(Values, name)():
                yield "%s: %s" % (name, label), value


def labelled(*items):
    return [(repr(item)[:60], item) for item in items]


def nested(depth, wrap, inner=None):
    for _ in range(depth):
        inner = wrap(inner)
    return inner


class Values:
    def constants():
        return labelled(None, True, False, ..., NotImplemented, type(None), type(...))

    def ints():
        edges = [0, 1, 9, 10, 255, 256, 65535, 65536]
        for bits in (31, 32, 39, 40, 47, 48, 53, 55, 56, 63, 64, 127, 128, 1000, 2031, 2032, 2040):
            edges += [2**bits - 1, 2**bits, 2**bits + 1]
        yield from (("%d bits, last %x" % (e.bit_length(), e & 0xFFF), e) for e in edges)
        yield from (("-%d bits, last %x" % (e.bit_length(), e & 0xFFF), -e) for e in edges)
        yield "10000 bits", 3**6309
        yield "minus 10000 bits", -(3**6309)

    def floats():
        yield from labelled(0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 1e-300, 5e-324, 1.7976931348623157e308)
        yield from labelled(math.inf, -math.inf, math.nan, -math.nan, math.pi, 1e22, 123456789.125)

    def strings():
        yield from labelled("", "a", "ab", "hello\n", "\0", "\0s", "a\0b", "\\", "\\u0041", "\\\\u0041")
        yield from labelled("\\U00010000", "\r\n\x1a", "'\"", "é", "ÿ", "Ā", "€", "\u2028", "\ufeffbom")
        yield from labelled("\ufeff", "😀", "a😀b", "\U0010ffff", "日本語", "ab" * 11, "é" * 12, "x" * 24)
        yield from labelled("x" * 25, "x" * 64, "x" * 65, "x" * 255, "x" * 256, "é" * 128, "é" * 127)
        yield "lone high surrogate", "\ud800"
        yield "lone low surrogate", "a\udcffb"
        yield "surrogates the wrong way round", "\udc00\ud800"
        yield "surrogates with a character between", "\ud800x\udc00"
        yield "surrogate next to a pair", "\udbff😀\ud800"
        yield "many surrogates", "\udc80" * 100 + "€" + "\ud8ff" * 100
        yield "surrogates of file names", os.fsdecode(bytes(range(1, 256)))
        yield "all of Latin-1", "".join(map(chr, range(256)))
        yield "16383 characters", "x" * 16383
        yield "16384 characters twice", ["y" * 16384, "y" * 16384, "é" * 20000]
        long = ["%05d" % n * 4000 for n in range(12)]
        yield "twelve long strings, each twice", long + long
        yield "1 MB", "1 MB of text, é" * 65536
        yield "the same name often", ["name", "name", "other", "name", "other"] * 100
        yield "shared string", (lambda s: [s, s, (s,), {s: s}])("shared text")

    def bytes():
        yield from labelled(b"", b"a", b"ab", b"\0", b"\x80\xff", bytes(range(256)), b"\n'\"\\")
        yield from (("%d bytes" % n, bytes([n % 251]) * n) for n in (255, 256, 4095, 4096, 65536))
        yield "1 MB", bytes(range(256)) * 4096
        yield "shared", (lambda b: [b, b, (b,), {b: b}])(b"shared bytes")
        yield "shared 5000 bytes", (lambda b: [b, b])(b"x" * 5000)
        yield "large among small", [b"s", b"x" * 5000, 1, b"y" * 10000, "end"]

    def bytearrays():
        yield from labelled(bytearray(), bytearray(b"a"), bytearray(range(256)))
        yield "100 kB", bytearray(100000)
        yield "shared", (lambda b: [b, b])(bytearray(b"shared"))
        yield "equal, not shared", [bytearray(b"same"), bytearray(b"same")]
        yield "empty shared", (lambda b: [b, b, bytearray()])(bytearray())

    def tuples():
        yield from labelled((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((),), ((), ()), tuple(range(500)))
        yield "shared", (lambda t: [t, t, (t, t)])((1, [2]))
        yield "shared of four", (lambda t: [t, t])((1, 2, 3, [4]))

    def lists():
        yield from labelled([], [1], [1, 2], [[]], [[], []], list(range(999)), list(range(1000)))
        yield from labelled(list(range(1001)), list(range(2500)), [None, True, 1.5, "s", b"b", ()])
        yield "shared", (lambda x: [x, x, {"k": x}])([1])
        yield "equal, not shared", [[1], [1], [], []]
        yield "many shared", (lambda x: [x] * 1000)([0])
        yield "300 distinct, then again", (lambda x: x + x)([[n] for n in range(300)])

    def dicts():
        yield from labelled({}, {1: 2}, {"a": 1, "b": 2}, {None: 0}, {(): ()}, {(1, 2): [3]})
        yield "1001 entries", {n: str(n) for n in range(1001)}
        yield "order", {"z": 1, "a": 2, 5: 3, "m": 4}
        yield "keys of many types", {1: 1, "1": 2, b"1": 3, 1.5: 4, None: 5, (1,): 6, frozenset([1]): 7}
        yield "true and zero", {True: "t", 0: "f", 2.0: "2"}
        yield "large keys", {2**64: 1, -(2**64): 2, 2.0**70: 3, 2**53: 4, 2**53 + 1: 5}
        yield "nan twice", {math.nan: 1, float("nan"): 2}
        yield "infinite keys", {math.inf: 1, -math.inf: 2}
        yield "nul keys", {"\0": 1, "\0s": 2, b"": 3, "": 4, "\0b": 5, "\0s\0": 6, "\0i10": 7}
        yield "object keys", (lambda o: {o: o, "same": o})(Plain(label=1))
        yield "tuple keys", {(1, "a"): 1, (1, "b"): 2}
        yield "enum keys", {Colour.RED: 1, Number.ONE: 2}
        yield "shared", (lambda d: [d, d])({"x": 1})
        yield "instance dict", vars(Plain(a=1, b=2))

    def sets():
        yield from labelled(set(), {1}, {1, 2, 3}, {"a", "b"}, {(), (1,)}, {None, True, 2.5, b"x"})
        yield from labelled(frozenset(), frozenset([1]), frozenset(range(10)), frozenset(["x", "y"]))
        yield "1500 items", set(range(1500))
        yield "frozen 1500 items", frozenset(range(1500))
        yield "nested", {frozenset([1]), frozenset([frozenset()])}
        yield "shared", (lambda s: [s, s, frozenset(s)])({1, 2})
        yield "shared frozen", (lambda s: [s, s, {s: s}])(frozenset([1, 2]))
        yield "of objects", (lambda a, b: [{a, b}, a, b])(Plain(label=1), Plain(label=2))

    def nesting():
        yield "500 lists", nested(500, lambda x: [x])
        yield "300 lists", nested(300, lambda x: [x, 1])
        yield "500 tuples", nested(500, lambda x: (x,))
        yield "300 tuples of four", nested(300, lambda x: (1, x, 2, 3))
        yield "500 dicts", nested(500, lambda x: {"k": x})
        yield "300 objects", nested(300, lambda x: Plain(next=x))
        yield "300 frozensets", nested(300, lambda x: frozenset([x]))
        yield "200 reduces", nested(200, lambda x: Reduce(x))
        yield "doubled 200 times", nested(200, lambda x: (x, x), ())
        yield "doubled lists 200 times", nested(200, lambda x: [x, x], [])

    def cycles():
        one = []
        one.append(one)
        yield "list in itself", one
        two = [1, 2]
        two += [two, [two], two]
        yield "list in itself and others", two
        mapping = {}
        mapping["self"] = mapping
        yield "dict in itself", mapping
        for size in range(1, 6):
            inner = []
            around = tuple([inner] + list(range(size - 1)))
            inner.append(around)
            yield "tuple of %d in its first list" % size, around
            yield "list of a tuple of %d" % size, inner
            inner = []
            around = tuple(list(range(size - 1)) + [inner])
            inner += [around, 0, around]
            yield "tuple of %d in its last list" % size, around
        boxes = [[] for _ in range(5)]
        around = tuple(boxes)
        for box in boxes:
            box.append(around)
        yield "tuple in each of its lists", around
        inner = {}
        around = (inner, inner)
        inner["t"] = around
        yield "tuple in its dict", around
        deep = []
        around = ((((deep,),),),)
        deep.append(around)
        yield "tuples around a list with the outermost", around
        key = Plain(label=0)
        around = (1, key)
        key.map = {around: around}
        yield "tuple as key of a dict of its object", [key, around]

    def cyclic_objects():
        it = Plain(label="self")
        it.me = it
        yield "object in itself", it
        a, b = Plain(label="a"), Plain(label="b")
        a.other, b.other = b, a
        yield "two objects", [a, b]
        a = Slots(1, 2)
        a.b = [a]
        yield "slots", a
        it = Plain(label="set")
        it.set = {it}
        yield "set of its owner", it
        it = Plain(label="frozen")
        it.frozen = frozenset([it])
        yield "owner of a frozenset with it", it
        yield "frozenset with its owner", it.frozen
        it = Plain(label="both")
        it.frozen = frozenset([it, 1, 2, 3])
        yield "frozenset and owner", [it.frozen, it, it.frozen]
        for cls in (LIST, DEQUE):
            it = cls()
            it.append(it)
            yield cls.__name__ + " in itself", it
            it = with_attributes(cls([1]), x=1)
            it.me = it
            it.append([it])
            yield cls.__name__ + " in itself with attributes", it
        for it in (DICT(), ORDERED(), DEFAULT(list), collections.OrderedDict(),
                   collections.defaultdict(None)):
            it["me"] = it
            yield type(it).__name__ + " in itself", it
        it = SET()
        it.me = it
        yield "SetSub in its attributes", it
        it = LIST()
        it.tuple = (it, 1)
        it.append(it.tuple)
        yield "list subclass with a tuple of it", [it.tuple, it]
        box = []
        it = CyclicReduce(box)
        box.append(it)
        yield "reduce with itself in its arguments", it
        yield "the box of a reduce with itself in its arguments", box
        outer, box = [], []
        it = CyclicReduce2(outer, box)
        box.append(it)
        outer.append(it)
        yield "two boxes", outer
        other, box = Plain(label="other"), []
        it = CyclicReduce2(other, box)
        box.append(it)
        other.more = it
        yield "a reduce in the object of its arguments", other
        box = []
        it = CyclicReduce2(1, box)
        box.append(it)
        yield "two arguments", [it, it]
        box = []
        it = CyclicNewArgs(box)
        box.append(it)
        yield "new arguments", it
        box = []
        it = CyclicNewArgsEx(box)
        box.append(it)
        yield "keyword new arguments", it
        it = State(None)
        it.value = [it]
        yield "state", it
        it = TupleState(None)
        it.value = (it,)
        yield "state in tuple", it
        it = reduce_items([], {}, None)
        it.items.append(it)
        it.entries["me"] = it
        it.state = (it, it)
        yield "items, entries and state", it
        it = Exception("x")
        it.args = (1, [it])
        it.args[1][0] = it
        yield "exception", it
        it = types.SimpleNamespace()
        it.me = it
        yield "namespace", it
        it = Array()
        it.shape, it.dtype, it.fortran = (1,), DType("O"), False
        it.data = [it]
        yield "array of itself", it
        node = head = Plain(value=0)
        for n in range(1, 100):
            node.next = Plain(value=n, previous=node)
            node = node.next
        node.next, head.previous = head, node
        yield "ring of 100", head

    def classes():
        yield from labelled(int, str, type, object, Plain, Slots, Colour, Outer.Inner, Meta, WithMeta)
        yield from labelled(Outer.Inner.Innermost, collections.OrderedDict, Exception, range, dict)
        yield from labelled(Évènement, types.FunctionType, types.ModuleType, OSError, bytes)

    def functions():
        yield from labelled(len, print, make_reduce, operator.add, os.path.join, Outer.static)
        yield from labelled(functools.reduce, dict.fromkeys, str.upper, "abc".upper, [1, 2].append)
        yield from labelled(math.sin, Plain.method, Plain(x=1).method, Outer.made, Outer().made)
        yield from labelled(functools.partial(int, base=2), functools.partial(make_reduce, 1, x=[2]))
        yield from labelled(operator.itemgetter(1, 2), operator.attrgetter("a.b"))
        yield from labelled(operator.methodcaller("f", 1, k=2), functools.partial(len))

    def objects():
        yield "empty", Plain()
        yield "attributes", Plain(a=1, b=[2], c={"d": None})
        yield "shared class", [Plain(n=n) for n in range(5)]
        yield "shared attribute", (lambda x: [Plain(x=x), Plain(x=x)])([1])
        yield "nested class", Outer.Inner(x=1)
        yield "twice nested class", [Outer.Inner.Innermost(x=1), Outer.Inner.Innermost(y=2)]
        yield "class with a metaclass", WithMeta()
        yield "class with a name that is not ASCII", Évènement(été=1)
        yield "non-string attribute", with_attributes(Plain(), **{"not an identifier": 1})
        yield "shared dict of attributes", (lambda p: [p, vars(p)])(Plain(a=1))
        yield "registered with copyreg", (lambda r: [r, r])(Registered(label=[1], more=2))

    def slots():
        yield "slots", Slots(1, [2])
        yield "slots and dict", with_attributes(SlotsAndDict(1, 2), extra=3)
        yield "slots, empty dict", SlotsAndDict(1, 2)
        yield "slot not set", OneSlotUnset(1)
        yield "shared slot", (lambda x: [Slots(x, x), x])([1])

    def states():
        yield "dict", State([1])
        yield "tuple", TupleState({"x": 1})
        yield "scalar", ScalarState(1)
        yield "falsy", FalsyState(1)
        yield "shared with its object", (lambda s: [s, State(s)])(State([1]))

    def reduces():
        yield "no arguments", Reduce()
        yield "arguments", Reduce(1, "two", [3], None)
        yield "with protocol", ReduceEx(1)
        yield "function", ReduceByFunction(1, [2])
        yield "name", SINGLETON
        yield "shared", (lambda r: [r, r, Reduce(r)])(Reduce([1]))
        for n in (0, 1, 2, 999, 1000, 1001, 2002):
            yield "%d items" % n, reduce_items(list(range(n)), {}, {"s": n})
        for n in (1, 2, 1001):
            yield "%d entries" % n, reduce_items([], {k: [k] for k in range(n)}, None)
        yield "items, entries, state", reduce_items([1, [2]], {"a": 1, "b": [2]}, ("state",))
        if sys.version_info >= (3, 8):
            yield "state setter", StateSetter(x=1, y=[2])
            yield "state setters in a list", [StateSetter(x=1), StateSetter(y=2), 3, StateSetter()]
            yield "shared state setter", (lambda s: [s, s, (s,), s])(StateSetter(x=1))
            yield "state setter before references", (lambda s, l: [l, s, l, s])(StateSetter(x=1), [])
            it = StateSetter(label=1)
            it.me = [it]
            yield "state setter in a cycle", it
            yield "nested state setters", StateSetter(inner=StateSetter(inner=StateSetter(x=1)))
            it = SetterTwice(x=2)
            yield "setter that is the callable too", [it]

    def new_args():
        yield "args", NewArgs(1, [2])
        yield "keyword", NewArgsEx(1, keyword=[2])
        yield "shared keyword", (lambda x: [x, x, NewArgsEx(x, keyword=x)])(NewArgsEx(1, keyword=2))

    def subclasses():
        yield "int", INT(5)
        yield "large int", INT(2**70)
        yield "float", with_attributes(FLOAT(1.5), x=1)
        yield "nan float", FLOAT("nan")
        yield "str", with_attributes(STR("text"), x=[1])
        yield "bytes", with_attributes(BYTES(b"bytes"), x=1)
        yield "bytearray", with_attributes(BYTEARRAY(b"array"), x=1)
        yield "complex", with_attributes(COMPLEX(1, 2), x=1)
        for n in (0, 1, 2, 1001):
            yield "list of %d" % n, with_attributes(LIST(range(n)), x=n)
            yield "deque of %d" % n, with_attributes(DEQUE(range(n)), x=n)
            yield "dict of %d" % n, with_attributes(DICT((k, k) for k in range(n)), x=n)
            yield "set of %d" % n, with_attributes(SET(range(n)), x=n)
            yield "frozenset of %d" % n, with_attributes(FROZENSET(range(n)), x=n)
            yield "tuple of %d" % n, with_attributes(TUPLE(range(n)), x=n)
        yield "ordered", with_attributes(ORDERED(a=1, b=2), x=1)
        yield "defaulting", with_attributes(DEFAULT(list, {"a": [1]}), x=1)
        yield "counter", with_attributes(COUNTER("hello"), x=1)
        yield "shared list subclass", (lambda x: [x, x])(LIST([1, 2]))
        yield "as keys", {STR("k"): 1, "k2": 2, INT(3): 4}

    def dataclass():
        yield "plain", Data(1, "n", [1, 2])
        yield "frozen", FrozenData(1, [2])
        yield "as key", {FrozenData(1): 1}
        if sys.version_info >= (3, 10):
            yield "slots", SlotData(1, [2])
            yield "slots shared", (lambda s: [s, s])(SlotData(1, [2]))

    def enums():
        yield from labelled(Colour.RED, Colour.GREEN, Number.ONE, StrEnum.A, IntPermission.READ)
        yield from labelled(Permission.READ, Permission.READ | Permission.WRITE, Permission(0))
        yield "in a list", [Colour.RED, Colour.RED, Number.TWO]
        yield "int flags", IntPermission.READ | IntPermission.WRITE
        yield "of the standard library", [re.IGNORECASE | re.MULTILINE, uuid.SafeUUID.safe]

    def namedtuples():
        yield from labelled(Point(1, 2), Point([1], None), NoFields(), TypedPoint(1), PointSub(1, 2))
        yield "shared", (lambda p: [p, p])(Point(1, [2]))
        yield "with attributes", with_attributes(PointSub(1, 2), x=[1])

    def dates():
        utc = datetime.timezone.utc
        east = datetime.timezone(datetime.timedelta(hours=5, minutes=45), "east")
        yield from labelled(datetime.date(2024, 2, 29), datetime.date.min, datetime.time(1, 2, 3, 4))
        yield from labelled(datetime.datetime(2024, 1, 1), datetime.datetime.max, utc, east)
        yield from labelled(datetime.datetime(2024, 1, 1, 12, 30, 59, 999999, tzinfo=utc))
        yield from labelled(datetime.datetime(1999, 12, 31, tzinfo=east), datetime.time(1, tzinfo=utc))
        yield from labelled(datetime.timedelta(1, 2, 3), datetime.timedelta(-1), datetime.timedelta.max)
        yield "fold", datetime.datetime(2024, 10, 27, 2, fold=1)
        yield "own time zone", datetime.datetime(2024, 1, 1, tzinfo=UtcPlus(3))
        yield "struct_time", time.gmtime(0)

    def numbers():
        D = decimal.Decimal
        yield from labelled(D("1.10"), D("-0"), D("1E+400"), D("Infinity"), D("3" * 60), 1j, -0.0j)
        yield from labelled(fractions.Fraction(1, 3), fractions.Fraction(-(2**70), 3), complex(1, -2))
        yield from labelled(complex("nan+infj"), range(0), range(10), range(2**70, 0, -3))
        yield from labelled(slice(None), slice(1, 2, 3), slice([1]))
        yield "decimal nan", D("NaN")
        yield "decimal context", decimal.Context(prec=5)

    def collections_():
        C = collections
        yield from labelled(C.OrderedDict(), C.OrderedDict([("z", 1), ("a", 2)]), C.Counter("abca"))
        yield from labelled(C.defaultdict(list, a=[1]), C.defaultdict(None), C.defaultdict(int))
        yield from labelled(C.deque(), C.deque([1, 2]), C.deque(range(5), 3), C.deque(maxlen=0))
        yield from labelled(C.ChainMap({"a": 1}, {"b": 2}), C.UserDict(a=1), C.UserList([1]))
        yield from labelled(C.UserString("s"), UserDictSub(x=[1]), array.array("i", [1, 2, 3]))
        yield from labelled(array.array("d", [1.5]), array.array("B"), types.SimpleNamespace(a=[1]))
        yield "shared ordered", (lambda o: [o, o])(C.OrderedDict(a=[1]))
        yield "shared deque", (lambda d: [d, d, {"d": d}])(C.deque([1, [2]]))

    def library():
        yield from labelled(uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), pathlib.PurePosixPath("/a/b"))
        yield from labelled(pathlib.PureWindowsPath("c:/x"), pathlib.Path("."), string.Template("$x"))
        yield from labelled(re.compile("a+b", re.I), re.compile(b"\\d"), ipaddress.ip_address("::1"))
        yield from labelled(ipaddress.ip_network("10.0.0.0/8"), io.BytesIO(b"abc"), io.StringIO("abc"))
        yield "stat_result", os.stat_result(range(10))
        yield "stat_result with times", os.stat(os.devnull)
        yield "terminal_size", os.terminal_size((80, 24))
        yield "random state", random.Random(1)
        yield "log record", logging.LogRecord("n", 10, "/p", 1, "m %s", ("a",), None)
        yield "iterator", iter([1, 2, 3])
        yield "enumerate", enumerate([1, 2])
        yield "reversed", reversed([1, 2])
        yield "zip", zip([1], [2])
        yield "count", itertools.count(5)
        if sys.version_info >= (3, 9):
            yield "generic alias", list[int]
            import zoneinfo

            try:
                yield "zone", datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))
            except zoneinfo.ZoneInfoNotFoundError:
                pass

    def exceptions():
        yield from labelled(Exception(), ValueError("x"), KeyError("k", [1]), OSError(2, "no", "/f"))
        yield from labelled(StopIteration(1), SystemExit(3), CustomError(5, "more"), BrokenPipeError(32, "p"))
        yield from labelled(ModuleNotFoundError("m"), TimeoutError(), KeyboardInterrupt(), EOFError("e"))
        yield "with attributes", with_attributes(ValueError("x"), note=[1])
        yield "unicode", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")
        yield "in a list twice", (lambda e: [e, e])(RuntimeError("r"))
        if sys.version_info >= (3, 11):
            yield "group", ExceptionGroup("g", [ValueError(1), TypeError(2)])

    def arrays():
        yield "one", an_array(3)
        yield "shared type", (lambda d: [an_array(2, d), an_array(3, d), d])(DType("i4"))
        yield "shared", (lambda a: [a, a])(an_array(10))
        yield "100 kB", an_array(12500)

    def moved_names():
        """Names that protocols up to 2 write as Python 2 had them."""
        import collections.abc
        import copy
        import html.entities
        import http.client
        import queue
        import socketserver
        import urllib.parse
        import xmlrpc.client

        yield from labelled(range, map, zip, filter, chr, functools.reduce, sys.intern)
        yield from labelled(queue.Queue, queue.Empty, http.client.HTTPConnection, urllib.parse.quote)
        yield from labelled(urllib.parse.urlparse, itertools.zip_longest, itertools.filterfalse)
        yield from labelled(collections.abc.Mapping, collections.UserDict, collections.UserList)
        yield from labelled(xmlrpc.client.DateTime, xmlrpc.client.Fault, socketserver.TCPServer)
        yield from labelled(pickle.Pickler, copy.copy, io.StringIO, html.entities.name2codepoint)
        yield from labelled(ImportError, OSError, FileNotFoundError, KeyError, UserWarning)
        yield from labelled(copyreg.__newobj__, collections.OrderedDict)

    def messages():
        """Of the shapes that a scheduler sees."""
        job = Plain(uid=139923874923824, hash="a" * 40, compute_id="compute_1_2", _args=b"\x80" * 300,
                    _kwargs=b"\x80\x04}.", xfer_files=[], code="")
        yield "job", {"job": job, "node": None, "auth": b"x" * 40}
        yield "reply", Plain(uid=1, hash="b" * 40, ip_addr="127.0.0.1", status=11, result=b"r" * 5000,
                             stdout="", stderr="é", exception=None, start_time=1.5, end_time=2.5)
        yield "status", {"uid": 5, "status": 6, "node": "::1", "start_time": 1700000000.123}
        yield "file", Plain(name="/tmp/f", dest_path="d", stat_buf=os.stat_result(range(10)), sep="/")

    def random_values():
        for seed in range(60):
            yield "seed %d" % seed, random_value(random.Random(seed), 5, [])


def random_value(rnd, depth, made):
    """Containers and objects in one another, some of them shared, some in cycles."""
    if made and rnd.random() < 0.15:
        return rnd.choice(made)
    if depth == 0 or rnd.random() < 0.2:
        return rnd.choice([
            None, True, rnd.getrandbits(rnd.choice([3, 10, 20, 40, 70])), -rnd.getrandbits(33),
            rnd.random(), "text%d" % rnd.randrange(9), "é€😀"[: rnd.randrange(4)], b"b" * rnd.randrange(9),
        ])
    size = rnd.choice([0, 1, 2, 3, 4, 6])
    kind = rnd.randrange(9)
    if kind == 0:
        it = tuple(random_value(rnd, depth - 1, made) for _ in range(size))
        made.append(it)
        return it
    if kind == 1:
        it = Reduce(*(random_value(rnd, depth - 1, made) for _ in range(size)))
        made.append(it)
        return it
    it = [[], {}, Plain(), LIST(), DICT(), collections.OrderedDict(), Slots(0, 0)][kind - 2]
    made.append(it)
    for n in range(size):
        part = random_value(rnd, depth - 1, made)
        if isinstance(it, list):
            it.append(part)
        elif isinstance(it, dict):
            it[rnd.choice(["key%d" % n, n, (n, "t"), None])] = part
        elif isinstance(it, Slots):
            it.a, it.b = it.b, part
        else:
            setattr(it, "attr%d" % n, part)
    return it


# Written by Python 2.7, whose classic classes use opcodes that Python 3 never writes.
PYTHON_2 = {
    "numbers (protocol 0, pickle)":
        "KGxwMApJMAphSTEKYUktMQphSTI1NQphSTY1NTM2CmFJMjE0NzQ4MzY0NwphSTIxNDc0ODM2NDgKYUw5MjIzMzcy"
        "MDM2ODU0Nzc1ODA4TAphTC05MjIzMzcyMDM2ODU0Nzc1ODA4TAphTDEyNjc2NTA2MDAyMjgyMjk0MDE0OTY3MDMy"
        "MDUzNzZMCmFGMS41CmFGaW5mCmFJMDEKYUkwMAphTmFMMTBMCmEu",
    "numbers (protocol 1, pickle)":
        "XXEAKEsASwFK/////0v/SgAAAQBK////f0kyMTQ3NDgzNjQ4Ckw5MjIzMzcyMDM2ODU0Nzc1ODA4TApMLTkyMjMz"
        "NzIwMzY4NTQ3NzU4MDhMCkwxMjY3NjUwNjAwMjI4MjI5NDAxNDk2NzAzMjA1Mzc2TApHP/gAAAAAAABHf/AAAAAA"
        "AABJMDEKSTAwCk5MMTBMCmUu",
    "numbers (protocol 2, pickle)":
        "gAJdcQAoSwBLAUr/////S/9KAAABAEr///9/STIxNDc0ODM2NDgKigkAAAAAAAAAgACKCAAAAAAAAACAig0AAAAA"
        "AAAAAAAAAAAQRz/4AAAAAAAAR3/wAAAAAAAAiIlOigEKZS4=",
    "numbers (protocol 0, cPickle)":
        "KGxwMQpJMAphSTEKYUktMQphSTI1NQphSTY1NTM2CmFJMjE0NzQ4MzY0NwphSTIxNDc0ODM2NDgKYUw5MjIzMzcy"
        "MDM2ODU0Nzc1ODA4TAphTC05MjIzMzcyMDM2ODU0Nzc1ODA4TAphTDEyNjc2NTA2MDAyMjgyMjk0MDE0OTY3MDMy"
        "MDUzNzZMCmFGMS41CmFGaW5mCmFJMDEKYUkwMAphTmFMMTBMCmEu",
    "numbers (protocol 1, cPickle)":
        "XXEBKEsASwFK/////0v/SgAAAQBK////f0kyMTQ3NDgzNjQ4Ckw5MjIzMzcyMDM2ODU0Nzc1ODA4TApMLTkyMjMz"
        "NzIwMzY4NTQ3NzU4MDhMCkwxMjY3NjUwNjAwMjI4MjI5NDAxNDk2NzAzMjA1Mzc2TApHP/gAAAAAAABHf/AAAAAA"
        "AABJMDEKSTAwCk5MMTBMCmUu",
    "numbers (protocol 2, cPickle)":
        "gAJdcQEoSwBLAUr/////S/9KAAABAEr///9/STIxNDc0ODM2NDgKigkAAAAAAAAAgACKCAAAAAAAAACAig0AAAAA"
        "AAAAAAAAAAAQRz/4AAAAAAAAR3/wAAAAAAAAiIlOigEKZS4=",
    "strings (protocol 0, pickle)":
        "KGxwMApTJycKcDEKYVMnYWJjJwpwMgphUyJpdCdzIgpwMwphUydxInEnCnA0CmFTJ2Fcblx0XFxceDAwYicKcDUK"
        "YVYKcDYKYVbpXHUyMGFjCnA3CmFWXHUwMDVjdTAwNDEKcDgKYVMneHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4JwpwOQphVnl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eQpwMTAKYS4=",
    "strings (protocol 1, pickle)":
        "XXEAKFUAcQFVA2FiY3ECVQRpdCdzcQNVA3EicXEEVQZhCglcAGJxBVgAAAAAcQZYBQAAAMOp4oKscQdYBgAAAFx1"
        "MDA0MXEIVCwBAAB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHhxCVgsAQAAeXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5cQplLg==",
    "strings (protocol 2, pickle)":
        "gAJdcQAoVQBxAVUDYWJjcQJVBGl0J3NxA1UDcSJxcQRVBmEKCVwAYnEFWAAAAABxBlgFAAAAw6nigqxxB1gGAAAA"
        "XHUwMDQxcQhULAEAAHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHEJWCwBAAB5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXlxCmUu",
    "strings (protocol 0, cPickle)":
        "KGxwMQpTJycKYVMnYWJjJwpwMgphUyJpdCdzIgpwMwphUydxInEnCnA0CmFTJ2Fcblx0XFxceDAwYicKcDUKYVYK"
        "YVbpXHUyMGFjCnA2CmFWXHUwMDVjdTAwNDEKcDcKYVMneHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4JwpwOAphVnl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eQpwOQphLg==",
    "strings (protocol 1, cPickle)":
        "XXEBKFUAVQNhYmNxAlUEaXQnc3EDVQNxInFxBFUGYQoJXABicQVYAAAAAFgFAAAAw6nigqxxBlgGAAAAXHUwMDQx"
        "cQdULAEAAHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHEIWCwBAAB5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXlxCWUu",
    "strings (protocol 2, cPickle)":
        "gAJdcQEoVQBVA2FiY3ECVQRpdCdzcQNVA3EicXEEVQZhCglcAGJxBVgAAAAAWAUAAADDqeKCrHEGWAYAAABcdTAw"
        "NDFxB1QsAQAAeHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4cQhYLAEAAHl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5"
        "eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXEJZS4=",
    "containers (protocol 0, pickle)":
        "KGxwMAoodGEoSTEKdHAxCmEoSTEKSTIKdHAyCmEoSTEKSTIKSTMKdHAzCmEoSTEKSTIKSTMKSTQKdHA0CmEobHA1"
        "CmEobHA2CkkxCmFhKGRwNwphKGRwOApTJ2EnCnA5CkkxCnNhKGRwMTAKSTEKKGRwMTEKSTIKKHRzc2FjX19idWls"
        "dGluX18Kc2V0CnAxMgooKGxwMTMKSTEKYUkyCmF0cDE0ClJwMTUKYWNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcDE2"
        "CigobHAxNwpnOQphdHAxOApScDE5CmEu",
    "containers (protocol 1, pickle)":
        "XXEAKCkoSwF0cQEoSwFLAnRxAihLAUsCSwN0cQMoSwFLAksDSwR0cQRdcQVdcQZLAWF9cQd9cQhVAWFxCUsBc31x"
        "CksBfXELSwIpc3NjX19idWlsdGluX18Kc2V0CnEMKF1xDShLAUsCZXRxDlJxD2NfX2J1aWx0aW5fXwpmcm96ZW5z"
        "ZXQKcRAoXXERaAlhdHESUnETZS4=",
    "containers (protocol 2, pickle)":
        "gAJdcQAoKUsBhXEBSwFLAoZxAksBSwJLA4dxAyhLAUsCSwNLBHRxBF1xBV1xBksBYX1xB31xCFUBYXEJSwFzfXEK"
        "SwF9cQtLAilzc2NfX2J1aWx0aW5fXwpzZXQKcQxdcQ0oSwFLAmWFcQ5ScQ9jX19idWlsdGluX18KZnJvemVuc2V0"
        "CnEQXXERaAlhhXESUnETZS4=",
    "containers (protocol 0, cPickle)":
        "KGxwMQoodGEoSTEKdHAyCmEoSTEKSTIKdHAzCmEoSTEKSTIKSTMKdHA0CmEoSTEKSTIKSTMKSTQKdHA1CmEobHA2"
        "CmEobHA3CkkxCmFhKGRwOAphKGRwOQpTJ2EnCkkxCnNhKGRwMTAKSTEKKGRwMTEKSTIKKHRzc2FjX19idWlsdGlu"
        "X18Kc2V0CnAxMgooKGxwMTMKSTEKYUkyCmF0UnAxNAphY19fYnVpbHRpbl9fCmZyb3plbnNldApwMTUKKChscDE2"
        "ClMnYScKYXRScDE3CmEu",
    "containers (protocol 1, cPickle)":
        "XXEBKCkoSwF0cQIoSwFLAnRxAyhLAUsCSwN0cQQoSwFLAksDSwR0cQVdcQZdcQdLAWF9cQh9cQlVAWFLAXN9cQpL"
        "AX1xC0sCKXNzY19fYnVpbHRpbl9fCnNldApxDChdcQ0oSwFLAmV0UnEOY19fYnVpbHRpbl9fCmZyb3plbnNldApx"
        "DyhdcRBVAWFhdFJxEWUu",
    "containers (protocol 2, cPickle)":
        "gAJdcQEoKUsBhXECSwFLAoZxA0sBSwJLA4dxBChLAUsCSwNLBHRxBV1xBl1xB0sBYX1xCH1xCVUBYUsBc31xCksB"
        "fXELSwIpc3NjX19idWlsdGluX18Kc2V0CnEMXXENKEsBSwJlhVJxDmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcQ9d"
        "cRBVAWFhhVJxEWUu",
    "classic class (protocol 0, pickle)":
        "KGxwMAooaXB5dGhvbl92YWx1ZXMKUGxhaW4KcDEKKGRwMgpTJ2EnCnAzCkkxCnNTJ2InCnA0ClMneCcKcDUKc2Jh"
        "KGlweXRob25fdmFsdWVzClBsYWluCnA2CihkcDcKYmEu",
    "classic class (protocol 1, pickle)":
        "XXEAKChjcHl0aG9uX3ZhbHVlcwpQbGFpbgpxAW9xAn1xAyhVAWFxBEsBVQFicQVVAXhxBnViKGgBb3EHfXEIYmUu",
    "classic class (protocol 2, pickle)":
        "gAJdcQAoKGNweXRob25fdmFsdWVzClBsYWluCnEBb3ECfXEDKFUBYXEESwFVAWJxBVUBeHEGdWIoaAFvcQd9cQhi"
        "ZS4=",
    "classic class (protocol 0, cPickle)":
        "KGxwMQooaXB5dGhvbl92YWx1ZXMKUGxhaW4KcDIKKGRwMwpTJ2EnCkkxCnNTJ2InClMneCcKc2JhKGlweXRob25f"
        "dmFsdWVzClBsYWluCnA0CihkcDUKYmEu",
    "classic class (protocol 1, cPickle)":
        "XXEBKChjcHl0aG9uX3ZhbHVlcwpQbGFpbgpxAm9xA31xBChVAWFLAVUBYlUBeHViKGgCb3EFfXEGYmUu",
    "classic class (protocol 2, cPickle)":
        "gAJdcQEoKGNweXRob25fdmFsdWVzClBsYWluCnECb3EDfXEEKFUBYUsBVQFiVQF4dWIoaAJvcQV9cQZiZS4=",
    "classic class with arguments (protocol 0, pickle)":
        "KGxwMAooSTEKKGxwMgpJMgphaXB5dGhvbl92YWx1ZXMKUmVkdWNlCnAzCihkcDQKUydhcmdzJwpwNQooSTEKZzIK"
        "dHA2CnNiYShpcHl0aG9uX3ZhbHVlcwpSZWR1Y2UKcDcKKGRwOApnNQoodHNiYS4=",
    "classic class with arguments (protocol 1, pickle)":
        "XXEAKChjcHl0aG9uX3ZhbHVlcwpSZWR1Y2UKcQJLAV1xA0sCYW9xBH1xBVUEYXJnc3EGKEsBaAN0cQdzYihoAm9x"
        "CH1xCWgGKXNiZS4=",
    "classic class with arguments (protocol 2, pickle)":
        "gAJdcQAoKGNweXRob25fdmFsdWVzClJlZHVjZQpxAksBXXEDSwJhb3EEfXEFVQRhcmdzcQZLAWgDhnEHc2IoaAJv"
        "cQh9cQloBilzYmUu",
    "classic class with arguments (protocol 0, cPickle)":
        "KGxwMQooSTEKKGxwMgpJMgphaXB5dGhvbl92YWx1ZXMKUmVkdWNlCnAzCihkcDQKUydhcmdzJwpwNQooSTEKZzIK"
        "dHA2CnNiYShpcHl0aG9uX3ZhbHVlcwpSZWR1Y2UKcDcKKGRwOApnNQoodHNiYS4=",
    "classic class with arguments (protocol 1, cPickle)":
        "XXEBKChjcHl0aG9uX3ZhbHVlcwpSZWR1Y2UKcQJLAV1xA0sCYW9xBH1xBVUEYXJnc3EGKEsBaAN0cQdzYihoAm9x"
        "CH1xCWgGKXNiZS4=",
    "classic class with arguments (protocol 2, cPickle)":
        "gAJdcQEoKGNweXRob25fdmFsdWVzClJlZHVjZQpxAksBXXEDSwJhb3EEfXEFVQRhcmdzcQZLAWgDhnEHc2IoaAJv"
        "cQh9cQloBilzYmUu",
    "classic cycle (protocol 0, pickle)":
        "KGlweXRob25fdmFsdWVzClBsYWluCnAwCihkcDEKUydtZScKcDIKZzAKc1MnYWxsJwpwMwoobHA0CmcwCmFzYi4=",
    "classic cycle (protocol 1, pickle)":
        "KGNweXRob25fdmFsdWVzClBsYWluCnEAb3EBfXECKFUCbWVxA2gBVQNhbGxxBF1xBWgBYXViLg==",
    "classic cycle (protocol 2, pickle)":
        "gAIoY3B5dGhvbl92YWx1ZXMKUGxhaW4KcQBvcQF9cQIoVQJtZXEDaAFVA2FsbHEEXXEFaAFhdWIu",
    "classic cycle (protocol 0, cPickle)":
        "KGlweXRob25fdmFsdWVzClBsYWluCnAxCihkcDIKUydtZScKcDMKZzEKc1MnYWxsJwpwNAoobHA1CmcxCmFzYi4=",
    "classic cycle (protocol 1, cPickle)":
        "KGNweXRob25fdmFsdWVzClBsYWluCnEBb3ECfXEDKFUCbWVxBGgCVQNhbGxxBV1xBmgCYXViLg==",
    "classic cycle (protocol 2, cPickle)":
        "gAIoY3B5dGhvbl92YWx1ZXMKUGxhaW4KcQFvcQJ9cQMoVQJtZXEEaAJVA2FsbHEFXXEGaAJhdWIu",
    "new classes (protocol 2, pickle)":
        "gAJdcQAoY3B5dGhvbl92YWx1ZXMKU2xvdHMKcQEpgXECTn1xAyhVAWFxBEsBVQFicQVdcQZYAQAAAHhxB2F1hnEI"
        "YmNweXRob25fdmFsdWVzClN0YXRlCnEJKYFxCn1xC1UEa2VwdHEMVQF2cQ1zYmUu",
    "new classes (protocol 2, cPickle)":
        "gAJdcQEoY3B5dGhvbl92YWx1ZXMKU2xvdHMKcQIpgXEDTn1xBChVAWFLAVUBYl1xBVgBAAAAeGF1hmJjcHl0aG9u"
        "X3ZhbHVlcwpTdGF0ZQpxBimBcQd9cQhVBGtlcHRxCVUBdnNiZS4=",
    "shared (protocol 0, pickle)":
        "KGxwMAoobHAxCkkxCmFhZzEKYShpcHl0aG9uX3ZhbHVlcwpQbGFpbgpwMgooZHAzClMneCcKcDQKZzEKc2JhLg==",
    "shared (protocol 1, pickle)":
        "XXEAKF1xAUsBYWgBKGNweXRob25fdmFsdWVzClBsYWluCnECb3EDfXEEVQF4cQVoAXNiZS4=",
    "shared (protocol 2, pickle)":
        "gAJdcQAoXXEBSwFhaAEoY3B5dGhvbl92YWx1ZXMKUGxhaW4KcQJvcQN9cQRVAXhxBWgBc2JlLg==",
    "shared (protocol 0, cPickle)":
        "KGxwMQoobHAyCkkxCmFhZzIKYShpcHl0aG9uX3ZhbHVlcwpQbGFpbgpwMwooZHA0ClMneCcKZzIKc2JhLg==",
    "shared (protocol 1, cPickle)":
        "XXEBKF1xAksBYWgCKGNweXRob25fdmFsdWVzClBsYWluCnEDb3EEfXEFVQF4aAJzYmUu",
    "shared (protocol 2, cPickle)":
        "gAJdcQEoXXECSwFhaAIoY3B5dGhvbl92YWx1ZXMKUGxhaW4KcQNvcQR9cQVVAXhoAnNiZS4=",
    "moved names (protocol 0, pickle)":
        "KGxwMApjX19idWlsdGluX18KeHJhbmdlCnAxCmFjX19idWlsdGluX18KdW5pY29kZQpwMgphY19fYnVpbHRpbl9f"
        "CmxvbmcKcDMKYWNRdWV1ZQpRdWV1ZQpwNAphY2V4Y2VwdGlvbnMKS2V5RXJyb3IKcDUKYWNleGNlcHRpb25zClN0"
        "YW5kYXJkRXJyb3IKcDYKYWNfX2J1aWx0aW5fXwpyZWR1Y2UKcDcKYWNfX2J1aWx0aW5fXwpvYmplY3QKcDgKYWNf"
        "X2J1aWx0aW5fXwpzdHIKcDkKYWNfX2J1aWx0aW5fXwpkaWN0CnAxMAphLg==",
    "moved names (protocol 1, pickle)":
        "XXEAKGNfX2J1aWx0aW5fXwp4cmFuZ2UKcQFjX19idWlsdGluX18KdW5pY29kZQpxAmNfX2J1aWx0aW5fXwpsb25n"
        "CnEDY1F1ZXVlClF1ZXVlCnEEY2V4Y2VwdGlvbnMKS2V5RXJyb3IKcQVjZXhjZXB0aW9ucwpTdGFuZGFyZEVycm9y"
        "CnEGY19fYnVpbHRpbl9fCnJlZHVjZQpxB2NfX2J1aWx0aW5fXwpvYmplY3QKcQhjX19idWlsdGluX18Kc3RyCnEJ"
        "Y19fYnVpbHRpbl9fCmRpY3QKcQplLg==",
    "moved names (protocol 2, pickle)":
        "gAJdcQAoY19fYnVpbHRpbl9fCnhyYW5nZQpxAWNfX2J1aWx0aW5fXwp1bmljb2RlCnECY19fYnVpbHRpbl9fCmxv"
        "bmcKcQNjUXVldWUKUXVldWUKcQRjZXhjZXB0aW9ucwpLZXlFcnJvcgpxBWNleGNlcHRpb25zClN0YW5kYXJkRXJy"
        "b3IKcQZjX19idWlsdGluX18KcmVkdWNlCnEHY19fYnVpbHRpbl9fCm9iamVjdApxCGNfX2J1aWx0aW5fXwpzdHIK"
        "cQljX19idWlsdGluX18KZGljdApxCmUu",
    "moved names (protocol 0, cPickle)":
        "KGxwMQpjX19idWlsdGluX18KeHJhbmdlCnAyCmFjX19idWlsdGluX18KdW5pY29kZQpwMwphY19fYnVpbHRpbl9f"
        "CmxvbmcKcDQKYWNRdWV1ZQpRdWV1ZQpwNQphY2V4Y2VwdGlvbnMKS2V5RXJyb3IKcDYKYWNleGNlcHRpb25zClN0"
        "YW5kYXJkRXJyb3IKcDcKYWNfX2J1aWx0aW5fXwpyZWR1Y2UKcDgKYWNfX2J1aWx0aW5fXwpvYmplY3QKcDkKYWNf"
        "X2J1aWx0aW5fXwpzdHIKcDEwCmFjX19idWlsdGluX18KZGljdApwMTEKYS4=",
    "moved names (protocol 1, cPickle)":
        "XXEBKGNfX2J1aWx0aW5fXwp4cmFuZ2UKcQJjX19idWlsdGluX18KdW5pY29kZQpxA2NfX2J1aWx0aW5fXwpsb25n"
        "CnEEY1F1ZXVlClF1ZXVlCnEFY2V4Y2VwdGlvbnMKS2V5RXJyb3IKcQZjZXhjZXB0aW9ucwpTdGFuZGFyZEVycm9y"
        "CnEHY19fYnVpbHRpbl9fCnJlZHVjZQpxCGNfX2J1aWx0aW5fXwpvYmplY3QKcQljX19idWlsdGluX18Kc3RyCnEK"
        "Y19fYnVpbHRpbl9fCmRpY3QKcQtlLg==",
    "moved names (protocol 2, cPickle)":
        "gAJdcQEoY19fYnVpbHRpbl9fCnhyYW5nZQpxAmNfX2J1aWx0aW5fXwp1bmljb2RlCnEDY19fYnVpbHRpbl9fCmxv"
        "bmcKcQRjUXVldWUKUXVldWUKcQVjZXhjZXB0aW9ucwpLZXlFcnJvcgpxBmNleGNlcHRpb25zClN0YW5kYXJkRXJy"
        "b3IKcQdjX19idWlsdGluX18KcmVkdWNlCnEIY19fYnVpbHRpbl9fCm9iamVjdApxCWNfX2J1aWx0aW5fXwpzdHIK"
        "cQpjX19idWlsdGluX18KZGljdApxC2Uu",
    "library (protocol 0, pickle)":
        "KGxwMApjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcDEKKChscDIKKGxwMwpTJ3onCnA0CmFJMQphYShscDUKUydh"
        "JwpwNgphSTIKYWF0cDcKUnA4CmFjY29sbGVjdGlvbnMKZGVxdWUKcDkKKChscDEwCkkxCmF0cDExClJwMTIKYWNk"
        "ZWNpbWFsCkRlY2ltYWwKcDEzCihTJzEuNScKcDE0CnRwMTUKUnAxNgphY2NvbGxlY3Rpb25zCmRlZmF1bHRkaWN0"
        "CnAxNwooY19fYnVpbHRpbl9fCmxpc3QKcDE4CnRwMTkKUnAyMAphY19fYnVpbHRpbl9fCmJ5dGVhcnJheQpwMjEK"
        "KFZhYmMKcDIyClMnbGF0aW4tMScKcDIzCnRwMjQKUnAyNQphZzIxCihWCnAyNgpTJ2xhdGluLTEnCnAyNwp0cDI4"
        "ClJwMjkKYWNfX2J1aWx0aW5fXwpjb21wbGV4CnAzMAooRjAuMApGMS4wCnRwMzEKUnAzMgphY2RhdGV0aW1lCnRp"
        "bWVkZWx0YQpwMzMKKEkxCkkyCkkzCnRwMzQKUnAzNQphLg==",
    "library (protocol 1, pickle)":
        "XXEAKGNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxAShdcQIoXXEDKFUBenEESwFlXXEFKFUBYXEGSwJlZXRxB1Jx"
        "CGNjb2xsZWN0aW9ucwpkZXF1ZQpxCShdcQpLAWF0cQtScQxjZGVjaW1hbApEZWNpbWFsCnENKFUDMS41cQ50cQ9S"
        "cRBjY29sbGVjdGlvbnMKZGVmYXVsdGRpY3QKcREoY19fYnVpbHRpbl9fCmxpc3QKcRJ0cRNScRRjX19idWlsdGlu"
        "X18KYnl0ZWFycmF5CnEVKFgDAAAAYWJjcRZVB2xhdGluLTFxF3RxGFJxGWgVKFgAAAAAcRpVB2xhdGluLTFxG3Rx"
        "HFJxHWNfX2J1aWx0aW5fXwpjb21wbGV4CnEeKEcAAAAAAAAAAEc/8AAAAAAAAHRxH1JxIGNkYXRldGltZQp0aW1l"
        "ZGVsdGEKcSEoSwFLAksDdHEiUnEjZS4=",
    "library (protocol 2, pickle)":
        "gAJdcQAoY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEBXXECKF1xAyhVAXpxBEsBZV1xBShVAWFxBksCZWWFcQdS"
        "cQhjY29sbGVjdGlvbnMKZGVxdWUKcQldcQpLAWGFcQtScQxjZGVjaW1hbApEZWNpbWFsCnENVQMxLjVxDoVxD1Jx"
        "EGNjb2xsZWN0aW9ucwpkZWZhdWx0ZGljdApxEWNfX2J1aWx0aW5fXwpsaXN0CnEShXETUnEUY19fYnVpbHRpbl9f"
        "CmJ5dGVhcnJheQpxFVgDAAAAYWJjcRZVB2xhdGluLTFxF4ZxGFJxGWgVWAAAAABxGlUHbGF0aW4tMXEbhnEcUnEd"
        "Y19fYnVpbHRpbl9fCmNvbXBsZXgKcR5HAAAAAAAAAABHP/AAAAAAAACGcR9ScSBjZGF0ZXRpbWUKdGltZWRlbHRh"
        "CnEhSwFLAksDh3EiUnEjZS4=",
    "library (protocol 0, cPickle)":
        "KGxwMQpjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcDIKKChscDMKKGxwNApTJ3onCmFJMQphYShscDUKUydhJwph"
        "STIKYWF0UnA2CmFjY29sbGVjdGlvbnMKZGVxdWUKcDcKKChscDgKSTEKYXRScDkKYWNkZWNpbWFsCkRlY2ltYWwK"
        "cDEwCihTJzEuNScKdFJwMTEKYWNjb2xsZWN0aW9ucwpkZWZhdWx0ZGljdApwMTIKKGNfX2J1aWx0aW5fXwpsaXN0"
        "CnAxMwp0UnAxNAphY19fYnVpbHRpbl9fCmJ5dGVhcnJheQpwMTUKKFZhYmMKUydsYXRpbi0xJwp0UnAxNgphZzE1"
        "CihWClMnbGF0aW4tMScKdFJwMTcKYWNfX2J1aWx0aW5fXwpjb21wbGV4CnAxOAooRjAKRjEKdFJwMTkKYWNkYXRl"
        "dGltZQp0aW1lZGVsdGEKcDIwCihJMQpJMgpJMwp0UnAyMQphLg==",
    "library (protocol 1, cPickle)":
        "XXEBKGNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxAihdcQMoXXEEKFUBeksBZV1xBShVAWFLAmVldFJxBmNjb2xs"
        "ZWN0aW9ucwpkZXF1ZQpxByhdcQhLAWF0UnEJY2RlY2ltYWwKRGVjaW1hbApxCihVAzEuNXRScQtjY29sbGVjdGlv"
        "bnMKZGVmYXVsdGRpY3QKcQwoY19fYnVpbHRpbl9fCmxpc3QKcQ10UnEOY19fYnVpbHRpbl9fCmJ5dGVhcnJheQpx"
        "DyhYAwAAAGFiY1UHbGF0aW4tMXRScRBoDyhYAAAAAFUHbGF0aW4tMXRScRFjX19idWlsdGluX18KY29tcGxleApx"
        "EihHAAAAAAAAAABHP/AAAAAAAAB0UnETY2RhdGV0aW1lCnRpbWVkZWx0YQpxFChLAUsCSwN0UnEVZS4=",
    "library (protocol 2, cPickle)":
        "gAJdcQEoY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnECXXEDKF1xBChVAXpLAWVdcQUoVQFhSwJlZYVScQZjY29s"
        "bGVjdGlvbnMKZGVxdWUKcQddcQhLAWGFUnEJY2RlY2ltYWwKRGVjaW1hbApxClUDMS41hVJxC2Njb2xsZWN0aW9u"
        "cwpkZWZhdWx0ZGljdApxDGNfX2J1aWx0aW5fXwpsaXN0CnENhVJxDmNfX2J1aWx0aW5fXwpieXRlYXJyYXkKcQ9Y"
        "AwAAAGFiY1UHbGF0aW4tMYZScRBoD1gAAAAAVQdsYXRpbi0xhlJxEWNfX2J1aWx0aW5fXwpjb21wbGV4CnESRwAA"
        "AAAAAAAARz/wAAAAAAAAhlJxE2NkYXRldGltZQp0aW1lZGVsdGEKcRRLAUsCSwOHUnEVZS4=",
}

# --- making -----------------------------------------------------------------------------------


def pickles():
    """Yields (name, pickle); skips what Python itself cannot do."""
    skipped = 0
    for name, value in values():
        for protocol in range(6 if sys.version_info >= (3, 8) else 5):
            for pickler, dumps in (("C", pickle.dumps), ("Python", pickle._dumps)):
                try:
                    data = dumps(value, protocol)
                    pickle.loads(data)
                except Exception:
                    skipped += 1
                    continue
                label = "%s (protocol %d, %s pickler)" % (name, protocol, pickler)
                yield label, data
                if pickler == "C" and len(data) < 50000:
                    try:
                        yield label + ", optimized", pickletools.optimize(data)
                    except UnicodeDecodeError:
                        pass  # it cannot read names that are not ASCII
    for name, data in PYTHON_2.items():
        yield "Python 2: " + name, base64.b64decode(data)
    print("%d pickles that Python cannot write or read were left out" % skipped, file=sys.stderr)


def make(folder):
    names, sizes = [], []
    with open(os.path.join(folder, "pickles.bin"), "wb") as out:
        for name, data in pickles():
            names.append(name)
            sizes.append(len(data))
            out.write(data)
    with open(os.path.join(folder, "index.json"), "w") as out:
        json.dump({"names": names, "sizes": sizes}, out)


def corpus(path):
    """Every value of which a small pickle exists, each in another protocol."""
    chosen, step = {}, 0
    for name, group in itertools.groupby(pickles(), lambda item: item[0].split(" (protocol")[0]):
        small = [item for item in group if len(item[1]) <= 400]
        if small and " at 0x" not in name:
            name, data = small[(step * 7) % len(small)]
            chosen[name] = base64.b64encode(data).decode()
            step += 1
    with open(path, "w") as out:
        json.dump(chosen, out, indent=2)
        out.write("\n")


# --- checking ---------------------------------------------------------------------------------

ATOMS = (type(None), bool, int, float, str, type, types.FunctionType, type(...),
         type(NotImplemented), enum.Enum, types.ModuleType, types.MethodDescriptorType)


GENERIC_ALIAS = getattr(types, "GenericAlias", None)


class Difference(Exception):
    pass


def compare(first, second):
    """Raises Difference unless both are the same graph: types, values and what is shared."""
    partner, back, keep = {}, {}, []
    todo = [(first, second, "value")]
    while todo:
        a, b, path = todo.pop()
        if type(a) is not type(b):
            raise Difference("%s: %s became %s" % (path, type(a), type(b)))
        # Until Python 3.10, list[int] counts as an instance of type.
        if isinstance(a, ATOMS) and type(a) is not GENERIC_ALIAS:
            if isinstance(a, float):
                same = struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
            elif isinstance(a, (bool, int, str)):
                same = a == b
            else:
                same = a is b
            if not same:
                raise Difference("%s: %.80r became %.80r" % (path, a, b))
            if type(a) in (bool, int, float, str) or not hasattr(a, "__dict__"):
                continue
            if isinstance(a, (type, types.FunctionType, enum.Enum, types.ModuleType)):
                continue
        if type(a) in (bytes, tuple, frozenset) and len(a) <= 1 and not a:
            continue  # the interpreter has only one empty one of each
        if type(a) is bytes and len(a) == 1:
            continue
        if id(a) in partner or id(b) in back:
            if partner.get(id(a)) != id(b) or back.get(id(b)) != id(a):
                raise Difference("%s: %s is shared differently" % (path, type(a).__name__))
            continue
        partner[id(a)], back[id(b)] = id(b), id(a)
        keep += [a, b]
        parts_a, parts_b = parts(a), parts(b)
        if len(parts_a) != len(parts_b):
            raise Difference("%s: %s has %d parts, not %d" % (
                path, type(a).__name__, len(parts_b), len(parts_a)))
        todo += [(x, y, "%s.%s" % (path, type(a).__name__) if len(path) < 300 else path)
                 for x, y in zip(parts_a, parts_b)][::-1]


def parts(value):
    """What the value consists of, in an order that does not depend on the process."""
    kind = type(value)
    if kind in (list, tuple):
        return list(value)
    if kind is dict:
        return [part for item in value.items() for part in item]
    if kind in (set, frozenset):
        return sorted(value, key=lambda x: (type(x).__name__, str(getattr(x, "label", x))))
    if kind in (bytes, bytearray):
        return [len(value), sum(value), value.decode("latin-1")]
    if kind in (types.MethodType, types.BuiltinFunctionType):
        return [value.__self__, value.__name__]
    if kind is GENERIC_ALIAS:
        return [value.__origin__, value.__args__]
    if kind is ReduceItems:
        return [value.log, value.items, value.entries, value.state]
    if kind in (CyclicReduce, CyclicReduce2, Reduce, ReduceEx, NewArgsEx, FalsyState):
        return [value.__dict__]
    if kind in (SET, FROZENSET):
        return [sorted(value), value.__dict__]
    reduced = copyreg.dispatch_table.get(kind, lambda it: it.__reduce_ex__(4))(value)
    if isinstance(reduced, str):
        return [reduced]
    callable_, args, *rest = reduced
    result = [callable_, list(args)] + rest[:1]
    result += [list(it) if it is not None else None for it in rest[1:3]]
    return result + [getattr(value, "__dict__", None)]


def check(folder):
    with open(os.path.join(folder, "index.json")) as file:
        index = json.load(file)
    names, sizes, returned_sizes, protocol = map(
        index.get, ("names", "sizes", "returned", "protocol"))
    known = set()
    failures = []
    with open(os.path.join(folder, "pickles.bin"), "rb") as pickles, \
            open(os.path.join(folder, "returned.bin"), "rb") as returned:
        for name, size, returned_size in zip(names, sizes, returned_sizes):
            data, ours = pickles.read(size), returned.read(returned_size)
            try:
                if ours not in known and len(ours) < 200000:
                    check_opcodes(ours, protocol)
                known.add(ours)
                compare(pickle.loads(data), pickle.loads(ours))
            except Exception as error:
                failures.append("%s: %s: %s" % (name, type(error).__name__, error))
    print(json.dumps(failures))


def check_opcodes(data, protocol):
    """Python's own disassembler checks that stack and memo are used as they should be."""
    try:
        pickletools.dis(data, out=io.StringIO())
    except UnicodeDecodeError:
        return  # it cannot read names that are not ASCII
    newest = max(opcode.proto for opcode, _, _ in pickletools.genops(data))
    if newest > protocol:
        raise Difference("an opcode of protocol %d" % newest)


def main():
    command, path = sys.argv[1:]
    sys.setrecursionlimit(20000)
    threading.stack_size(256 * 1024 * 1024)
    failed = []

    def run():
        try:
            {"make": make, "check": check, "corpus": corpus}[command](path)
        except BaseException:
            failed.append(True)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    # Not this script but the module of the same name: classes are pickled as of a module.
    import python_values

    python_values.main()
