"""What dispy uses of the module netifaces, which is long unmaintained and must be compiled.

With this folder in PYTHONPATH dispy's peers know their interfaces, as with the real module.
"""

import psutil


def interfaces():
    return list(psutil.net_if_addrs())


def ifaddresses(name):
    found = {}
    for link in psutil.net_if_addrs()[name]:
        fields = {'addr': link.address, 'netmask': link.netmask, 'broadcast': link.broadcast}
        fields = {key: value for key, value in fields.items() if value is not None}
        found.setdefault(int(link.family), []).append(fields)
    return found
