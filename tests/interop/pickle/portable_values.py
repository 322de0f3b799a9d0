# -*- coding: utf-8 -*-
"""Values that mean the same to Python 2.7 and to every Python 3, for the test between Pythons.

    portable_values.py make FILE     writes their pickles, as JSON: name and base64
    portable_values.py check FILE    reads such a file (any number of pickles of each value, by
                                     any key) and prints those that are not what this Python has
"""

from __future__ import print_function, unicode_literals

import base64
import collections
import datetime
import decimal
import fractions
import json
import pickle
import sys
import uuid

PY2 = sys.version_info[0] == 2
if PY2:
    import cPickle

    text_type, long_type, iter_range = unicode, long, xrange  # noqa: F821
else:
    text_type, long_type, iter_range = str, int, range


class Plain(object):
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Classic:
    def __init__(self, label):
        self.label = label


class Outer(object):
    class Inner(Plain):
        pass


class Slots(object):
    __slots__ = (str("a"), str("b"))

    def __init__(self, a, b):
        self.a, self.b = a, b


class State(object):
    def __init__(self, value):
        self.value = value

    def __getstate__(self):
        return {"kept": self.value}

    def __setstate__(self, state):
        self.value = state["kept"]


class Reduce(object):
    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return Reduce, self.args


class Keywords(object):
    def __new__(cls, first, keyword=None):
        self = super(Keywords, cls).__new__(cls)
        self.made_with = (first, keyword)
        return self

    def __getnewargs_ex__(self):
        return (self.made_with[0],), {"keyword": self.made_with[1]}


class ListSub(list):
    pass


class DictSub(dict):
    pass


class TextError(Exception):
    pass


Point = collections.namedtuple("Point", "x y")


def function():
    pass


def with_attributes(value, **attributes):
    value.__dict__.update(attributes)
    return value


def cyclic_list():
    items = [1]
    items.append(items)
    return items


def cyclic_object():
    it = Plain(name="it")
    it.me, it.others = it, {"me": [it]}
    return it


def set_in_itself(kind):
    it = Plain(name="member")
    it.home = kind([it, 1])
    return it


def shared():
    a, b, c, d = [1], {"k": 2}, bytearray(b"\x00\xff"), Plain(x=1)
    return [a, b, c, d, (a, b), {"c": c, "d": d}, a]


def values():
    yield "constants", [None, True, False]
    yield "singletons", [Ellipsis, NotImplemented]
    yield "ints", [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31, 2**63, -2**63, 2**70]
    yield "a long int", -(3**500)
    yield "a longer int", 3**5000
    yield "floats", [0.0, -0.0, 1.5, 1e300, float("inf"), 5e-324]
    yield "ascii", ["", "a", "abc\n", "x" * 255, "x" * 256, "x" * 70000]
    yield "text", ["é", "ÿ", "日本語", "\U0001f600", "é" * 300, "\u2028", "\\u0041é"]
    yield "bytes", [b"\xff\x00", bytes(bytearray(range(256))), b"\xc3\xa9", b"\x80" * 70000]
    yield "native strings", [str("native"), {str("key"): str("value")}]
    yield "bytearrays", [bytearray(), bytearray(b"\xff" * 300), bytearray(b"abc")]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), tuple(range(300))]
    yield "lists", [[], [[]], list(range(1001))]
    yield "dicts", [{}, {"a": 1}, {1: "x", "é": 2, (1, "b"): [], None: 0, 2.5: 1, b"\xff": 3}]
    yield "a large dict", dict((n, str(n)) for n in range(2000))
    yield "sets", [set(), {1, 2}, frozenset(), frozenset(["a", "é"]), {frozenset([1]), ()}]
    yield "a large set", set(range(3000))
    yield "shared", shared()
    yield "300 lists, then again", (lambda x: x + x)([[n] for n in range(300)])
    yield "a list in itself", cyclic_list()
    yield "an object in itself", cyclic_object()
    yield "a set with an object that has it", set_in_itself(set)
    yield "a frozenset with an object that has it", set_in_itself(frozenset)
    nested = None
    for _ in range(200):
        nested = [nested, {"n": (nested,)}]
        nested = nested[:1]
    yield "nested", nested
    yield "objects", [Plain(), Plain(a=1, text="é", raw=b"\xfe", many=[Plain(b=2)])]
    yield "slots", Slots(1, "é")
    yield "state", State(["é", b"\xff"])
    yield "reduce", Reduce(1, "é", b"\xff", Plain(x=1))
    yield "classic", Classic("é")
    yield "inner class", Outer.Inner(a="é")
    yield "made with keywords", Keywords(1, keyword="é")
    yield "list subclass", with_attributes(ListSub([1, 2]), x=1)
    yield "dict subclass", with_attributes(DictSub({"a": 1}), y="é")
    yield "ordered", collections.OrderedDict([("z", 1), ("a", "é")])
    yield "deque", collections.deque([1, "é"])
    yield "defaultdict", collections.defaultdict(list, {"a": [1]})
    yield "counter", collections.Counter(["a", "é", "a"])
    yield "point", Point(1, "é")
    yield "numbers", [decimal.Decimal("1.50"), fractions.Fraction(1, 3), 2 + 3j]
    yield "datetime", datetime.datetime(2021, 11, 26, 12, 34, 31, 123456)
    yield "old datetime", datetime.datetime(1899, 1, 2, 3, 4, 5)
    yield "dates", [datetime.date(2021, 1, 2), datetime.date(1800, 1, 1), datetime.timedelta(1, 2, 3)]
    yield "times", [datetime.time(12, 30), datetime.time(1, 2, 3, 255)]
    yield "uuid", uuid.UUID("12345678123456781234567812345678")
    yield "range", iter_range(3, 10, 2)
    yield "exceptions", [ValueError("é", 1), KeyError("k"), OSError(2, "no"), TextError("t")]
    yield "classes", [int, dict, Plain, ValueError, object, bytearray, set]
    yield "functions", [len, function, getattr]


def describe(value, seen=None):
    """Text that is the same in all Pythons for what is the same value, shared in the same places."""
    seen = {} if seen is None else seen

    def inner(part):
        return describe(part, seen)

    if value is None or value is Ellipsis or value is NotImplemented or isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, long_type)) and type(value) in (int, long_type):
        return "int %d" % value
    if type(value) in (float, complex):
        return repr(value)
    if type(value) is text_type:
        return "text %s" % hexadecimal(value.encode("utf-8"))
    if type(value) is bytes:
        # Python 2 cannot tell these two apart.
        is_text = all(byte < 0x80 for byte in bytearray(value))
        return "%s %s" % ("text" if is_text else "bytes", hexadecimal(value))
    if isinstance(value, type) or type(value) in (type(function), type(len)):
        return "<%s>" % value.__name__
    if type(value) is tuple:
        return "(%s)" % ", ".join(map(inner, value))
    if id(value) in seen:
        return "#%d" % seen[id(value)][0]
    seen[id(value)] = len(seen), value
    if type(value) is bytearray:
        return "bytearray %s" % hexadecimal(value)
    if type(value) is iter_range:
        return "range %s" % list(value)
    if type(value) is list:
        return "[%s]" % ", ".join(map(inner, value))
    if type(value) is dict:
        return "{%s}" % entries(value, inner)
    if type(value) in (set, frozenset):
        parts = sorted(value, key=lambda part: describe(part, dict(seen)))
        return "%s {%s}" % (type(value).__name__, ", ".join(map(inner, parts)))
    return "%s(%s)" % (type(value).__name__, object_parts(value, inner))


def hexadecimal(value):
    return "".join("%02x" % byte for byte in bytearray(value))


def entries(mapping, inner):
    pairs = sorted((describe(key), key, item) for key, item in mapping.items())
    return ", ".join("%s: %s" % (name, inner(item)) for name, _, item in pairs)


BY_TEXT = (
    decimal.Decimal, fractions.Fraction, uuid.UUID,
    datetime.date, datetime.time, datetime.timedelta,
)


def object_parts(value, inner):
    attributes = entries(getattr(value, "__dict__", {}), inner)
    if isinstance(value, Slots):
        return inner([value.a, value.b])
    if isinstance(value, collections.OrderedDict):
        return inner([list(pair) for pair in value.items()])
    if isinstance(value, dict):
        return "{%s} %s" % (entries(value, inner), attributes)
    if isinstance(value, (list, collections.deque)):
        return "[%s] %s" % (", ".join(map(inner, value)), attributes)
    if isinstance(value, tuple):
        return ", ".join(map(inner, value))
    if isinstance(value, Exception):
        return inner(list(value.args))
    if isinstance(value, BY_TEXT):
        return str(value)
    return attributes


# Python 2 reads these, and cannot write them.
UNKNOWN_TO_PYTHON2 = ("singletons", "inner class", "made with keywords")


def make(path):
    made = {}
    dumps = cPickle.dumps if PY2 else pickle.dumps
    for name, value in values():
        if not PY2 or name not in UNKNOWN_TO_PYTHON2:
            made[name] = base64.b64encode(dumps(value, pickle.HIGHEST_PROTOCOL)).decode("ascii")
    with open(path, "w") as out:
        out.write(str(json.dumps(made)))


def check(path):
    with open(path) as file:
        pickles = json.load(file)
    loads = cPickle.loads if PY2 else pickle.loads
    expected = dict((name, describe(value)) for name, value in values())
    wrong = []
    for key, (name, data) in sorted(pickles.items()):
        try:
            actual = describe(loads(base64.b64decode(data)))
        except Exception as error:
            wrong.append("%s: %s: %s" % (key, type(error).__name__, error))
            continue
        if actual != expected[name]:
            wrong.append("%s: %.300s is not %.300s" % (key, actual, expected[name]))
    print(json.dumps(wrong))


if __name__ == "__main__":
    # Not this script but the module of the same name: classes are pickled as of a module.
    import portable_values

    sys.setrecursionlimit(5000)
    command, path = sys.argv[1:]
    getattr(portable_values, command)(path)
