"""Loads messages with dispy's own classes and says what became of them.

Reads a JSON list of messages in base64, pickles behind a tag or not, and writes a JSON list of
descriptions: two messages that mean the same to dispy have the same description.
"""

import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', '..', 'unit', 'wire', 'fixtures'))
sys.dont_write_bytecode = True

import dispy  # noqa: E402
from make_messages import FastNodes, SlotNodes, UserObject  # noqa: E402, F401


def describe(value, around=()):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if id(value) in around:
        return {'levels_up': len(around) - around.index(id(value))}
    around += (id(value),)
    if isinstance(value, (bytes, bytearray)):
        return {type(value).__name__: value.hex()}
    if isinstance(value, os.stat_result):
        return {'stat_result': [value.st_mode, value.st_size, value.st_atime, value.st_mtime]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [describe(item, around) for item in value]}
    if isinstance(value, dict):
        return {'dict': sorted(([repr(k), describe(v, around)] for k, v in value.items()),
                               key=lambda item: item[0])}
    attributes = dict(getattr(value, '__dict__', {}))
    for cls in type(value).__mro__:
        for slot in getattr(cls, '__slots__', ()):
            # What stands in __dict__ under a slot's name cannot be had as an attribute.
            attributes.pop(slot, None)
            if slot != '__dict__' and hasattr(value, slot):
                attributes[slot] = getattr(value, slot)
    return {'class': '%s.%s' % (type(value).__module__, type(value).__qualname__),
            'attributes': describe(attributes, around)}


def load(message):
    tag, colon, body = message.partition(b':')
    if colon and tag.replace(b'_', b'').isupper():
        return [tag.decode(), describe(dispy.deserialize(body))]
    return [None, describe(dispy.deserialize(message))]


json.dump([load(base64.b64decode(message)) for message in json.load(sys.stdin)], sys.stdout)
