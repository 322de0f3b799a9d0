"""Draws the Mandelbrot set: each job computes some rows of the picture.

    python mandelbrot.py --scheduler 192.168.1.5
"""

import progress

SHADES = ' .:-=+*#%@'


def escape_steps(rows, width, height, iterations):
    """Runs on a node: for each point of the given rows, the steps it takes to escape."""
    def escape(c):
        z = 0j
        for step in range(iterations):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag > 4:
                return step
        return iterations
    return [[escape(complex(-2.2 + 3.2 * x / width, -1.2 + 2.4 * y / height))
             for x in range(width)]
            for y in rows]


if __name__ == '__main__':
    parser = progress.options(__doc__.splitlines()[0])
    parser.add_argument('--width', type=int, default=360, help='points from left to right')
    parser.add_argument('--height', type=int, default=240, help='points from top to bottom')
    parser.add_argument('--iterations', type=int, default=4000, help='steps before giving up')
    args = parser.parse_args()

    cluster = progress.cluster(escape_steps, args)
    # Every so-manieth row, not a block of rows, so that each job has about the same to do.
    parts = [range(first, args.height, args.jobs) for first in range(args.jobs)]
    jobs = [cluster.submit_job_id(i, rows, args.width, args.height, args.iterations)
            for i, rows in enumerate(parts, 1)]
    progress.watch(jobs)

    picture = {}
    for rows, job in zip(parts, jobs):
        picture.update(zip(rows, job.result))
    # A character of a terminal is about twice as high as wide: it stands for 5 by 10 points.
    for y in range(5, args.height, 10):
        steps = [min(picture[y][x:x + 5]) for x in range(0, args.width, 5)]
        print('|' + ''.join(SHADES[min(s, len(SHADES) - 1)] for s in steps))
    cluster.close()
