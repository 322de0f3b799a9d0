"""Text beyond ASCII everywhere: names, files, arguments, results, output, exceptions."""

import dispy
import peer

NAME = 'дані-ß-日本.txt'


def größe(word, fail=False):
    import sys
    import time
    time.sleep(0.03)
    print('вывод', word)
    sys.stderr.write('fehlerß')
    if fail:
        raise ValueError('ошибка 🙈 ' + word)
    with open('дані-ß-日本.txt', encoding='utf-8') as fd:
        return {'файл': fd.read(), 'wort': word + '🙂', 'grüße': [word] * 2}


with open(NAME, 'w', encoding='utf-8') as fd:
    fd.write('содержание – 内容')
cluster = peer.cluster(größe, depends=[NAME])
for job in [cluster.submit('naïve 𝒳'), cluster.submit('zażółć', fail=True)]:
    job()
    peer.emit('job', **peer.described(job))
peer.emit('name', name=cluster.name)
cluster.close()
