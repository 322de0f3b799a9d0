/**
 * A tile of a picture of the Mandelbrot set: what jobs of the demo compute. Nodes get this module
 * as it stands, so it imports nothing.
 *
 * @module
 */

/** A part of the picture, in pixels. */
export interface Tile {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The whole picture, and what it shows. */
export interface View {
  readonly width: number;
  readonly height: number;
  /** The middle, in the complex plane. */
  readonly centreX: number;
  readonly centreY: number;
  /** Width of the picture in the plane. */
  readonly span: number;
  readonly maxIterations: number;
}

/** So many samples a pixel in each direction, against jagged edges. */
const SAMPLES = 2;

/** Far beyond 2, where colours become smooth. */
const ESCAPE = 64;

/** Computes a tile: red, green and blue of each pixel, line by line. */
export function renderTile(view: View, tile: Tile): Uint8Array {
  const pixels = new Uint8Array(tile.width * tile.height * 3);
  const step = view.span / view.width / SAMPLES;
  const originX = view.centreX - view.span / 2;
  const originY = view.centreY - view.span * view.height / view.width / 2;
  let at = 0;
  for (let row = 0; row < tile.height; row++) {
    for (let column = 0; column < tile.width; column++) {
      let [red, green, blue] = [0, 0, 0];
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        const x = (tile.left + column) * SAMPLES + sample % SAMPLES;
        const y = (tile.top + row) * SAMPLES + Math.trunc(sample / SAMPLES);
        const escape = iterate(originX + x * step, originY + y * step, view.maxIterations);
        const [r, g, b] = colour(escape);
        red += r;
        green += g;
        blue += b;
      }
      const scale = 255 / (SAMPLES * SAMPLES);
      pixels[at++] = red * scale;
      pixels[at++] = green * scale;
      pixels[at++] = blue * scale;
    }
  }
  return pixels;
}

/** How soon a point escapes, with a fraction; `Infinity` = not at all. */
function iterate(cx: number, cy: number, maxIterations: number): number {
  let [x, y, xx, yy] = [0, 0, 0, 0];
  for (let i = 0; i < maxIterations; i++) {
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    xx = x * x;
    yy = y * y;
    if (xx + yy > ESCAPE * ESCAPE) return i + 1 - Math.log2(Math.log2(xx + yy) / 2);
  }
  return Infinity;
}

/** Night blue through white and amber to brown, over and over, ever more slowly. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [0.02, 0.03, 0.18],
  [0.10, 0.32, 0.65],
  [0.85, 0.95, 1.00],
  [1.00, 0.72, 0.15],
  [0.35, 0.10, 0.02],
];

function colour(escape: number): readonly [number, number, number] {
  if (escape === Infinity) return [0, 0, 0];
  const position = (Math.log(Math.max(escape, 1)) * 1.9) % COLOURS.length;
  const index = Math.trunc(position);
  const part = position - index;
  const from = COLOURS[index]!;
  const to = COLOURS[(index + 1) % COLOURS.length]!;
  return [
    from[0] + (to[0] - from[0]) * part,
    from[1] + (to[1] - from[1]) * part,
    from[2] + (to[2] - from[2]) * part,
  ];
}
