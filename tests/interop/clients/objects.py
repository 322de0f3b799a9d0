"""Arguments and results of user classes, nested, shared and cyclic."""

import datetime
import decimal

import peer


class Money(object):
    __slots__ = ('amount', 'currency')

    def __init__(self, amount, currency):
        self.amount, self.currency = amount, currency


class Order(object):
    def __init__(self, items, at):
        self.items, self.at = items, at
        self.me = self

    def __getstate__(self):
        return dict(self.__dict__, stated=True)

    def __setstate__(self, state):
        self.__dict__.update(state)


def priced(order, factor):
    import time
    time.sleep(0.03)
    order.items.append(Money(factor * order.items[0].amount, 'EUR'))
    return order


cluster = peer.cluster(priced, depends=[Money, Order])
money = Money(decimal.Decimal('1.50'), 'EUR')
job = cluster.submit(Order([money, money], datetime.datetime(2020, 2, 29, 12)), 3)
order = job()
if order is None:
    peer.emit('failed', **peer.described(job))
else:
    peer.emit('order', amounts=[str(item.amount) for item in order.items],
              shared=order.items[0] is order.items[1], cyclic=order.me is order,
              stated=order.stated, ordered=str(order.at))
cluster.close()
