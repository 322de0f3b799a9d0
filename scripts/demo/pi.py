"""Estimates pi: each job throws random points at a square and counts those inside the circle.

    python pi.py --scheduler 192.168.1.5
"""

import progress


def count_inside(points, seed):
    """Runs on a node: how many of so many random points lie within the quarter circle."""
    import random
    rng = random.Random(seed)
    inside = 0
    for _ in range(points):
        x, y = rng.random(), rng.random()
        if x * x + y * y <= 1:
            inside += 1
    return inside


if __name__ == '__main__':
    parser = progress.options(__doc__.splitlines()[0])
    parser.add_argument('--points', type=int, default=4000000, help='random points in each job')
    args = parser.parse_args()

    cluster = progress.cluster(count_inside, args)
    jobs = [cluster.submit_job_id(i, args.points, i) for i in range(1, args.jobs + 1)]
    progress.watch(jobs)
    inside = sum(job.result for job in jobs)
    print('pi is about %.5f' % (4 * inside / (args.points * args.jobs)))
    cluster.close()
